using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

public sealed class StartupTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("-c a=b", "a=b")]
    [InlineData("-ca=b", "a=b")]
    [InlineData("--a-b=c", "a_b=c")]
    [InlineData("  -c  a=b\t--c=d ", "a=b|c=d")]
    [InlineData(@"-c a=b\ c", "a=b c")]
    [InlineData(@"-c a=b\\c", @"a=b\c")]
    [InlineData("-c a=", "a=")]
    [InlineData("-c a=b=c", "a=b=c")]
    public void Options_are_read_as_the_server_reads_them(string options, string expected)
    {
        var settings = new List<KeyValuePair<string, string>>();
        Assert.True(StartupOptions.TryParse(options, settings));
        Assert.Equal(expected, string.Join('|', settings.Select(setting => $"{setting.Key}={setting.Value}")));
    }

    [Theory]
    [InlineData("-c")]
    [InlineData("-c a")]
    [InlineData("-c =b")]
    [InlineData("--a")]
    [InlineData("-h localhost")]
    [InlineData("-F")]
    [InlineData("a=b")]
    public void What_is_no_setting_is_refused(string options) => Assert.False(StartupOptions.TryParse(options, []));

    [Theory]
    [InlineData("app", "acme", null, "acme/app")]
    [InlineData("app.acme", null, null, "acme/app")]
    [InlineData("app@acme", null, null, "acme/app")]
    [InlineData("app.acme", "app.acme", null, "acme/app")]
    [InlineData("app.acme", "acme", null, "acme/app")]
    [InlineData("a.b.acme", null, null, "acme/a.b")]
    [InlineData("first.last", "acme", null, "acme/first.last")]
    [InlineData("app", null, "acme", "acme/app")]
    [InlineData("app", "acme", "acme", "acme/app")]
    [InlineData("app", null, null, "app/app")]
    [InlineData("app.", null, null, "app./app.")]
    [InlineData(".acme", null, null, ".acme/.acme")]
    [InlineData("app", "postgres", null, "postgres/app")]
    [InlineData("app.acme", "postgres", null, "acme/app")]
    [InlineData("app", "postgres", "acme", "acme/app")]
    public void The_tenant_is_named_by_database_user_or_options(string user, string? database, string? options, string expected)
    {
        TenantNaming naming = TenantNaming.Of(Packet(user, database), options);
        Assert.Equal(expected, $"{naming.Slug}/{naming.User}");
    }

    [Theory]
    [InlineData("app", "acme", null, "acme", "acme/app")]
    [InlineData("app", "app", null, "acme", "acme/app")]
    [InlineData("app", "postgres", null, "acme", "acme/app")]
    [InlineData("app.acme", null, null, "acme", "acme/app")]
    [InlineData("app.globex", null, null, "acme", "acme/app.globex")]
    [InlineData("app", "acme", "acme", "acme", "acme/app")]
    public void The_tenant_is_named_by_the_TLS_server_name(string user, string? database, string? options, string serverName, string expected)
    {
        TenantNaming naming = TenantNaming.Of(Packet(user, database), options, serverName);
        Assert.Equal(expected, $"{naming.Slug}/{naming.User}");
    }

    [Theory]
    [InlineData("app", null, false)]
    [InlineData("app", "postgres", false)]
    [InlineData("app", "acme", true)]
    [InlineData("app.acme", null, true)]
    public void A_database_that_libpq_filled_in_names_nobody(string user, string? database, bool isNamed)
        => Assert.Equal(isNamed, TenantNaming.Of(Packet(user, database), null).IsNamed);

    [Theory]
    [InlineData("acme", "globex", null)]
    [InlineData("acme", null, "globex")]
    [InlineData("app", "acme", "globex")]
    [InlineData("none", null, "other")]
    public void Two_different_tenants_are_refused_alike_whether_they_exist_or_not(string database, string? options, string? serverName)
        => Assert.Equal(
            ProxyErrors.ConflictingTenants(),
            Assert.Throws<PgErrorException>(() => TenantNaming.Of(Packet("app", database), options, serverName)).Error);

    [Fact]
    public void Allowed_settings_become_sql_text_that_cannot_break_out()
    {
        SessionSettings settings = StartupSettings.Of(
            Packet("app", "acme", ("application_name", "it's \\ me"), ("DateStyle", "ISO, DMY"), ("search_path", "a, \"B;c\",  C")), [new("timezone", "UTC")]);
        Assert.Equal(@"E'it''s \\ me'", settings.Find("application_name"));
        Assert.Equal("'ISO, DMY'", settings.Find("datestyle"));
        Assert.Equal("\"a\", \"B;c\", \"c\"", settings.Find("search_path"));
        Assert.Equal("'UTC'", settings.Find("timezone"));
        Assert.Equal(4, settings.Count);
    }

    [Fact]
    public void A_parameter_wins_over_the_same_setting_in_options()
        => Assert.Equal("'b'", StartupSettings.Of(Packet("app", "acme", ("application_name", "b")), [new("application_name", "a")]).Find("application_name"));

    [Theory]
    [InlineData("maintenance_work_mem", "1GB", SqlState.FeatureNotSupported)]
    [InlineData("app.current_tenant_id", "x", SqlState.FeatureNotSupported)]
    [InlineData("role", "postgres", SqlState.FeatureNotSupported)]
    [InlineData("session_authorization", "postgres", SqlState.FeatureNotSupported)]
    [InlineData("session_preload_libraries", "x", SqlState.FeatureNotSupported)]
    [InlineData("replication", "true", SqlState.FeatureNotSupported)]
    [InlineData("replication", "DATABASE", SqlState.FeatureNotSupported)]
    [InlineData("replication", "database ", SqlState.FeatureNotSupported)]
    [InlineData("Replication", "database", SqlState.FeatureNotSupported)]
    [InlineData("client_encoding", "SJIS", SqlState.InvalidParameterValue)]
    [InlineData("client_encoding", "gb18030", SqlState.InvalidParameterValue)]
    [InlineData("search_path", "\"open", SqlState.InvalidParameterValue)]
    public void What_isolates_or_limits_cannot_be_asked_for_at_login(string name, string value, string sqlState)
    {
        Assert.Equal(sqlState, Assert.Throws<PgErrorException>(() => StartupSettings.Of(Packet("app", "acme", (name, value)), [])).Error.SqlState);
        Assert.Equal(sqlState, Assert.Throws<PgErrorException>(() => StartupSettings.Of(Packet("app", "acme"), [new(name, value)])).Error.SqlState);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("off")]
    [InlineData("0")]
    public void Replication_that_is_off_is_no_replication(string value) => Assert.Equal(0, StartupSettings.Of(Packet("app", "acme", ("replication", value)), []).Count);

    [Fact]
    public void Logical_replication_is_asked_for_by_one_word_and_not_in_options()
    {
        Assert.True(StartupSettings.AsksForReplication(Packet("app", "acme", ("replication", "database"))));
        Assert.False(StartupSettings.AsksForReplication(Packet("app", "acme", ("replication", "off"))));
        Assert.False(StartupSettings.AsksForReplication(Packet("app", "acme")));
        Assert.Throws<PgErrorException>(() => StartupSettings.Of(Packet("app", "acme"), [new("replication", "database")]));
    }

    private static StartupMessage Packet(string user, string? database, params (string Name, string Value)[] parameters)
        => StartupPacket.Read(FrontendBytes.Startup(user, database, parameters.Select(p => new KeyValuePair<string, string>(p.Name, p.Value)))).Startup!;
}
