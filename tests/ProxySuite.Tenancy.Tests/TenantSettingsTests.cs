using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

[Collection(SharedServer.Name)]
public sealed class TenantSettingsTests(RegistryDatabases databases)
{
    private static readonly TenantId Id = new(Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e"));

    private static Tenant Acme(Plan? plan = null, string schema = "tenant_x") => new()
    {
        Id = Id,
        Slug = TenantSlug.Parse("acme"),
        Plan = plan ?? PlanDefaults.Starter,
        Placement = new Placement(new ShardId(1), 1, "apps", schema, PlacementState.Active),
    };

    [Fact]
    public void A_tenants_connections_start_with_its_id_path_and_limits()
        => Assert.Equal(
            "-c app.current_tenant_id=0f8fad5b-d9cb-469f-a165-70867728950e -c search_path=\"tenant_x\" -c statement_timeout=30000ms -c work_mem=16384kB",
            new TenantSettings().OptionsFor(Acme()));

    [Fact]
    public void The_ids_parameter_and_schemas_shared_by_all_are_configurable()
        => Assert.StartsWith("-c my.tenant=0f8fad5b-d9cb-469f-a165-70867728950e -c search_path=\"tenant_x\",\\ \"extensions\" ",
            new TenantSettings("my.tenant", "extensions").OptionsFor(Acme()), StringComparison.Ordinal);

    [Theory]
    [InlineData("tenant")]
    [InlineData("App.Tenant")]
    [InlineData("app.")]
    [InlineData("app.te nant")]
    [InlineData("app.x -c role=postgres")]
    public void A_name_that_is_no_custom_parameter_is_refused(string name) => Assert.Throws<ArgumentException>(() => new TenantSettings(name));

    [Fact]
    public void A_plans_own_settings_come_along_and_never_reach_over_what_isolates_the_tenant()
    {
        Plan plan = PlanDefaults.Free with { Settings = PlanSettings.None.Add("app.current_tenant_id", "other").Add("lock_timeout", "1s") };
        var settings = new TenantSettings().For(Acme(plan));
        Assert.Contains(new KeyValuePair<string, string>("lock_timeout", "1s"), settings);
        Assert.Equal(Id.ToString(), Assert.Single(settings, setting => setting.Key == "app.current_tenant_id").Value);
    }

    [Theory]
    [InlineData("search_path")]
    [InlineData("role")]
    [InlineData("session_authorization")]
    [InlineData("statement_timeout")]
    [InlineData("work_mem")]
    [InlineData("Lock_Timeout")]
    [InlineData("lock_timeout=1 -c role")]
    [InlineData("")]
    public void A_plan_cannot_set_what_isolates_or_limits_a_tenant(string name)
        => Assert.NotNull(PlanSettings.WhyRefused(PlanSettings.None.Add(name, "x")));

    [Fact]
    public void A_setting_with_nul_is_refused()
        => Assert.Throws<ArgumentException>(() => TenantSettings.FormatOptions([new("application_name", "a\0b")]));

    [Fact]
    public async Task The_server_reads_back_every_value_as_it_was_given()
    {
        KeyValuePair<string, string>[] given =
        [
            new("app.blank", " a  b\tc\nd\ve\ff\r"), new("app.backslash", "\\ \\\\ x\\"), new("app.quotes", "it's \"quoted\""), new("app.empty", ""),
            new("app.options", "-c role=postgres"), new("app.umlaut", "ä ö\\ü"), new("search_path", "\"a b\", \"c\\d\""),
        ];
        Dsn dsn = await databases.EmptyAsync();
        NpgsqlConnectionStringBuilder npgsql = dsn.ToNpgsql();
        npgsql.Options = TenantSettings.FormatOptions(given);
        npgsql.Pooling = false;
        await using var source = NpgsqlDataSource.Create(npgsql);
        foreach ((string name, string value) in given) Assert.Equal(value, await source.ScalarAsync<string>($"SELECT current_setting('{name}')"));
    }

    [Fact]
    public async Task They_are_the_values_that_reset_and_discard_fall_back_to()
    {
        NpgsqlConnectionStringBuilder npgsql = (await databases.EmptyAsync()).ToNpgsql();
        npgsql.Options = new TenantSettings().OptionsFor(Acme());
        npgsql.Pooling = false;
        await using var source = NpgsqlDataSource.Create(npgsql);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync();
        foreach (string reset in new[] { "RESET ALL", "DISCARD ALL" })
        {
            await ExecuteAsync("SET app.current_tenant_id = 'other'; SET statement_timeout = 0; SET search_path = public; SET work_mem = '1GB'");
            await ExecuteAsync(reset);
            Assert.Equal(Id.ToString(), await ShowAsync("app.current_tenant_id"));
            Assert.Equal(("30s", "\"tenant_x\"", "16MB"), (await ShowAsync("statement_timeout"), await ShowAsync("search_path"), await ShowAsync("work_mem")));
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }

        async Task<string> ShowAsync(string name)
        {
            await using var command = new NpgsqlCommand($"SELECT current_setting('{name}')", connection);
            return (string)(await command.ExecuteScalarAsync())!;
        }
    }
}
