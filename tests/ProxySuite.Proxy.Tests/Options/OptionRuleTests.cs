using Xunit;

namespace ProxySuite.Proxy.Tests.Options;

public sealed class OptionRuleTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    private string[] Problems(params (string Key, string Value)[] commandLine)
        => [.. _world.Load(commandLine: commandLine, withRegistry: false).Problems.Select(problem => problem.ToString())];

    private string[] ProblemsBesideRegistry(params (string Key, string Value)[] commandLine)
        => [.. _world.Load(commandLine: commandLine).Problems.Select(problem => problem.ToString())];

    private string RegistryFile(string json)
    {
        string path = Path.Combine(_world.Directory, "registry.json");
        File.WriteAllText(path, json);
        return path;
    }

    [Fact]
    public void A_registry_must_be_named()
        => Assert.Equal(
            ["Registry:ConnectionString: exactly one of Registry:ConnectionString and Registry:File must be set; neither is"],
            Problems(("Secrets:MasterKeyFile", _world.MasterKeyFile)));

    [Fact]
    public void Two_registries_are_one_too_many()
        => Assert.Equal(
            ["Registry:ConnectionString: exactly one of Registry:ConnectionString and Registry:File must be set; both are (command line)"],
            ProblemsBesideRegistry(("Registry:File", RegistryFile("""{ "Shards": [], "Tenants": [] }"""))));

    [Fact]
    public void The_master_key_must_be_named()
    {
        Assert.Equal(
            ["Secrets:MasterKeyFile: must be set: the passwords of the tenants' backend roles are derived from it"],
            Problems(("Registry:ConnectionString", ConfigWorld.RegistryDsn)));
        Assert.Empty(ProblemsBesideRegistry());
    }

    [Fact]
    public void A_registry_file_is_a_registry()
        => Assert.Empty(Problems(("Registry:File", RegistryFile("""{ "Shards": [], "Tenants": [] }""")), ("Secrets:MasterKeyFile", _world.MasterKeyFile)));

    [Fact]
    public void All_that_is_wrong_with_a_registry_file_is_said()
    {
        string path = RegistryFile("""{ "Shards": [ { "Name": "s1", "Hosts": [], "Database": "apps" } ], "Colour": 1 }""");
        Assert.Equal(
        [
            $"Registry:File: {path}: Shards[0].Hosts: must name at least one host (command line)",
            $"Registry:File: {path}: Colour: is not known (command line)",
        ], Problems(("Registry:File", path), ("Secrets:MasterKeyFile", _world.MasterKeyFile)));
    }

    [Fact]
    public void A_registry_file_must_be_there()
        => Assert.StartsWith($"Registry:File: {_world.Directory}/none.json: Could not find file ",
            Assert.Single(Problems(("Registry:File", $"{_world.Directory}/none.json"), ("Secrets:MasterKeyFile", _world.MasterKeyFile))), StringComparison.Ordinal);

    [Fact]
    public void A_registry_that_is_no_DSN_is_refused_without_telling_its_password()
        => Assert.Equal(
            ["Registry:ConnectionString: \"mysql://\" is no scheme of a DSN; use postgres:// or Host=…;Database=… (command line)"],
            Problems(("Registry:ConnectionString", "mysql://root:hunter2@db/registry"), ("Secrets:MasterKeyFile", _world.MasterKeyFile)));

    [Fact]
    public void A_master_key_must_be_readable()
    {
        string problem = Assert.Single(ProblemsBesideRegistry(("Secrets:MasterKeyFile", $"{_world.Directory}/none.key")));
        Assert.StartsWith("Secrets:MasterKeyFile: ", problem, StringComparison.Ordinal);
        Assert.Contains($"{_world.Directory}/none.key", problem, StringComparison.Ordinal);
    }

    [Fact, System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void A_master_key_that_others_can_read_is_refused()
    {
        File.SetUnixFileMode(_world.MasterKeyFile, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        string problem = Assert.Single(ProblemsBesideRegistry(("Secrets:MasterKeyFile", _world.MasterKeyFile)));
        Assert.Equal($"Secrets:MasterKeyFile: master key file {_world.MasterKeyFile} is open to others (OtherRead); run: chmod 600 {_world.MasterKeyFile} (command line)", problem);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("*", "127.0.0.1")]
    [InlineData("127.0.0.1", "*")]
    public void Clients_and_metrics_cannot_share_a_port(string listen, string metrics)
        => Assert.Equal(
            ["Metrics:Port: 6432 is Listen:Port as well, on the same address (command line)"],
            ProblemsBesideRegistry(("Listen:Address", listen), ("Metrics:Address", metrics), ("Metrics:Port", "6432")));

    [Fact]
    public void On_different_addresses_the_ports_may_be_equal()
        => Assert.Empty(ProblemsBesideRegistry(("Listen:Address", "127.0.0.1"), ("Metrics:Address", "127.0.0.2"), ("Metrics:Port", "6432")));

    [Fact]
    public void Metrics_that_are_off_have_no_port_to_share()
        => Assert.Empty(ProblemsBesideRegistry(("Listen:Port", "0"), ("Metrics:Port", "0")));

    [Fact]
    public void The_socket_directory_is_absolute()
        => Assert.Equal(["Listen:UnixSocketDirectory: \"run\" is not an absolute path (command line)"], ProblemsBesideRegistry(("Listen:UnixSocketDirectory", "run")));

    [Fact]
    public void The_socket_directory_exists()
        => Assert.Equal(
            [$"Listen:UnixSocketDirectory: directory {_world.Directory}/none does not exist (command line)"],
            ProblemsBesideRegistry(("Listen:UnixSocketDirectory", $"{_world.Directory}/none")));

    [Fact]
    public void The_socket_path_fits_the_kernels_limit()
    {
        string directory = Path.Combine(_world.Directory, new string('d', 100));
        Directory.CreateDirectory(directory);
        Assert.Equal(
            [$"Listen:UnixSocketDirectory: {directory}/.s.PGSQL.6432 is longer than the 107 bytes a Unix socket's path may have (command line)"],
            ProblemsBesideRegistry(("Listen:UnixSocketDirectory", directory)));
    }

    [Fact]
    public void A_Unix_socket_needs_a_fixed_port_for_its_name()
        => Assert.Equal(
            ["Listen:UnixSocketDirectory: needs a fixed Listen:Port: the socket's name ends in it (command line)"],
            ProblemsBesideRegistry(("Listen:UnixSocketDirectory", _world.Directory), ("Listen:Port", "0")));

    [Theory]
    [InlineData("tenant_id")]
    [InlineData("app.tenant.id")]
    [InlineData("app.")]
    [InlineData("app.1st")]
    [InlineData("app.tenant-id")]
    [InlineData("app.x'; DROP TABLE t; --")]
    [InlineData("a.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")]
    public void The_tenants_setting_is_a_name_PostgreSQL_takes_without_quotes(string name)
        => Assert.Equal(
            [$"Settings:TenantIdSetting: \"{name}\" is not two names of letters, digits and underscores joined by a dot, 63 bytes at most (command line)"],
            ProblemsBesideRegistry(("Settings:TenantIdSetting", name)));

    [Fact]
    public void Another_name_for_the_tenants_setting_is_taken()
        => Assert.Equal("myapp.tenant_2", _world.Load(commandLine: [("Settings:TenantIdSetting", "myapp.tenant_2")]).Options.Settings.TenantIdSetting);

    [Theory]
    [InlineData("Logging:SlowQuery", "1s", "only 0 is")]
    public void What_this_version_cannot_do_is_refused_rather_than_ignored(string key, string value, string reason)
        => Assert.Equal([$"{key}: not available in this version; {reason} (command line)"], ProblemsBesideRegistry((key, value)));

    [Fact]
    public void A_Redis_is_named_by_servers_and_options_and_a_wrong_text_is_not_repeated()
    {
        Assert.Equal("redis1:6379,password=hunter2", _world.Load(commandLine: [("Redis:Configuration", "redis1:6379,password=hunter2")]).Options.Redis.Configuration);
        string problem = Assert.Single(ProblemsBesideRegistry(("Redis:Configuration", "redis1:6379,pasword=hunter2")));
        Assert.StartsWith("Redis:Configuration: it is not of the form", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Admin_users_are_read_from_a_list_and_checked_one_by_one()
    {
        string[] problems = [.. _world.Load("""
            { "Admin": { "Users": [
              { "Name": "ops", "Verifier": "SCRAM-SHA-256$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "Role": "admin" },
              { "Name": "ops", "Verifier": "md5abc", "Role": "root" },
              { "Verifier": "SCRAM-SHA-256$4096:c2FsdA==$AAAA:AAAA" },
              { "Name": "many", "Verifier": "SCRAM-SHA-256$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "Rolle": "stats" }
            ] } }
            """).Problems.Select(problem => problem.ToString().Replace(_world.ConfigFile, "proxyd.json", StringComparison.Ordinal))];
        Assert.Equal(
        [
            "Admin:Users:1:Role: \"root\" is not one of stats, admin (proxyd.json line 3)",
            "Admin:Users:2:Name: is missing",
            "Admin:Users:3:Rolle: unknown key; did you mean Admin:Users:3:Role? (proxyd.json line 5)",
            "Admin:Users:1:Name: \"ops\" is there twice (proxyd.json line 3)",
            "Admin:Users:1:Verifier: is not a SCRAM verifier (SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey); proxyctl verifier prints one (proxyd.json line 3)",
            "Admin:Users:2:Verifier: is not a SCRAM verifier (SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey); proxyctl verifier prints one (proxyd.json line 4)",
        ], problems);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
        => Assert.Equal(
        [
            "Listen:Port: \"x\" is not a whole number from 0 to 65535 (command line)",
            "Pool:Mode: \"y\" is not one of transaction, session, statement (command line)",
            "Pool:Colour: unknown key (command line)",
            "Registry:ConnectionString: exactly one of Registry:ConnectionString and Registry:File must be set; neither is",
            "Secrets:MasterKeyFile: must be set: the passwords of the tenants' backend roles are derived from it",
        ], Problems(("Pool:Mode", "y"), ("Pool:Colour", "z"), ("Listen:Port", "x")));
}
