using Npgsql;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class DsnTests
{
    [Fact]
    public void A_uri_says_hosts_login_database_and_encryption()
    {
        Dsn dsn = DsnParser.Parse("postgres://admin:secret@db.example:5433/apps?sslmode=verify-full&application_name=control&connect_timeout=7");
        Assert.Equal<ShardEndpoint>([new ShardEndpoint("db.example", 5433)], dsn.Hosts);
        Assert.Equal(("apps", "admin", "secret", TlsMode.VerifyFull), (dsn.Database, dsn.User, dsn.Password!.Reveal(), dsn.Tls));
        NpgsqlConnectionStringBuilder npgsql = dsn.ToNpgsql();
        Assert.Equal(("db.example", 5433, "apps", "admin", "secret", SslMode.VerifyFull, "control", 7),
            (npgsql.Host, npgsql.Port, npgsql.Database, npgsql.Username, npgsql.Password, npgsql.SslMode, npgsql.ApplicationName, npgsql.Timeout));
    }

    [Theory]
    [InlineData("postgres://a,b:5433,[::1]:5434/d", "a:5432 b:5433 [::1]:5434")]
    [InlineData("postgresql://[2001:db8::7]/d", "[2001:db8::7]:5432")]
    [InlineData("postgres://%2Frun%2Fpostgresql/d", "/run/postgresql:5432")]
    [InlineData("postgres://%2Frun%2Fpostgresql:6000/d", "/run/postgresql:6000")]
    [InlineData("postgres:///d?host=/run/postgresql", "/run/postgresql:5432")]
    [InlineData("postgres:///d?host=/run/postgresql&port=6000", "/run/postgresql:6000")]
    [InlineData("postgres://u@/d?host=a,b:5433", "a:5432 b:5433")]
    [InlineData("Host=a,b:5433;Port=6000;Database=d", "a:6000 b:5433")]
    [InlineData("Host=/run/postgresql;Database=d", "/run/postgresql:5432")]
    public void Hosts_are_names_addresses_or_socket_directories_one_or_several(string text, string hosts)
    {
        Dsn dsn = DsnParser.Parse(text);
        Assert.Equal(hosts, string.Join(' ', dsn.Hosts));
        Assert.Equal("d", dsn.Database);
    }

    [Fact]
    public void Percent_encoding_carries_any_character_in_login_and_database()
    {
        Dsn dsn = DsnParser.Parse("postgres://us%40er:p%3A%2F%3F%25w@h/d%20b");
        Assert.Equal(("us@er", "p:/?%w", "d b"), (dsn.User, dsn.Password!.Reveal(), dsn.Database));
    }

    [Fact]
    public void An_at_sign_in_a_password_need_not_be_encoded()
        => Assert.Equal("p@ss", DsnParser.Parse("postgres://u:p@ss@h/d").Password!.Reveal());

    [Fact]
    public void Without_a_database_it_is_the_users_as_in_libpq() => Assert.Equal("u", DsnParser.Parse("postgres://u@h").Database);

    [Theory]
    [InlineData("", "empty")]
    [InlineData("localhost", "neither")]
    [InlineData("mysql://u@h/d", "mysql://")]
    [InlineData("postgres://u:secret@h:0/d", "\"0\" is no port")]
    [InlineData("postgres://u:secret@h:65536/d", "\"65536\" is no port")]
    [InlineData("postgres://u:secret@h:x/d", "\"x\" is no port")]
    [InlineData("postgres://u:secret@h/d?sslmode=maybe", "verify-full")]
    [InlineData("postgres://u:secret@h/d?sslmodus=require", "\"sslmodus\" is not known")]
    [InlineData("postgres://u:secret@h/d?connect_timeout=soon", "connect_timeout")]
    [InlineData("postgres://u:secret@/d", "no host")]
    [InlineData("postgres://u:secret@a,,b/d", "no host")]
    [InlineData("postgres://u:secret%4@h/d", "'%'")]
    [InlineData("postgres://u:secret@h/d%00", "NUL")]
    [InlineData("Database=d;Password=secret", "no Host")]
    [InlineData("Host=h;Password=secret;Colour=red", "Colour")]
    [InlineData("Host=h;Password=secret;Port=x", "Port")]
    [InlineData("Host=h;Password=secret;=x", "")]
    public void A_malformed_dsn_is_refused_with_the_reason_and_without_its_password(string text, string reason)
    {
        Assert.False(DsnParser.TryParse(text, out _, out string? refusal));
        Assert.Contains(reason, refusal, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://u:secret@h:5433/d", "postgres://u:***@h:5433/d")]
    [InlineData("postgres://u@h/d", "postgres://u@h:5432/d")]
    [InlineData("Host=/run/postgresql;Username=u;Password=secret;Database=d", "postgres://u:***@%2Frun%2Fpostgresql:5432/d")]
    [InlineData("postgres://u:secret@a,[::1]:5433/d", "postgres://u:***@a:5432,[::1]:5433/d")]
    public void Its_text_hides_the_password(string text, string printed) => Assert.Equal(printed, DsnParser.Parse(text).ToString());

    [Theory]
    [InlineData("postgres://u:sec;ret='\"@a,b:5433/d?sslmode=require")]
    [InlineData("postgres://u:secret@%2Frun%2Fpostgresql:6000/d")]
    [InlineData("Host=h;Username=u;Password=secret;Database=d;Maximum Pool Size=3")]
    public void What_is_revealed_reads_back_as_the_same(string text)
    {
        Dsn dsn = DsnParser.Parse(text);
        Dsn again = DsnParser.Parse(dsn.Reveal());
        Assert.Equal(dsn.ToNpgsql(), again.ToNpgsql());
        Assert.Equal(dsn.Password!.Reveal(), again.Password!.Reveal());
        Assert.Equal<ShardEndpoint>(dsn.Hosts, again.Hosts);
    }

    [Fact]
    public void The_same_server_is_named_with_another_database()
    {
        Dsn other = DsnParser.Parse("postgres://u:secret@a,b:5433/d").WithDatabase("e");
        Assert.Equal(("e", "secret", 2), (other.Database, other.Password!.Reveal(), other.Hosts.Length));
    }

    [Fact]
    public void A_unix_socket_is_a_file_in_its_directory()
        => Assert.Equal("/run/postgresql/.s.PGSQL.6000", new ShardEndpoint("/run/postgresql/", 6000).UnixSocketPath);
}
