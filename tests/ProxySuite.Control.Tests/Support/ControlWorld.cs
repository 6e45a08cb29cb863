using System.Text.Json;
using Npgsql;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Provisioning;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Tests.Support;

/// <summary>A registry and one shard, each a database of a real server, worked on through <c>proxyctl</c>'s entry point or the library.</summary>
internal sealed class ControlWorld : IAsyncDisposable
{
    private static int _worlds;

    private readonly string _directory;

    private ControlWorld(PostgresServer server, string registry, string shard)
    {
        Server = server;
        RegistryDsn = server.Dsn(registry);
        ShardDatabase = shard;
        _directory = Directory.CreateTempSubdirectory("proxyctl-").FullName;
        KeyFile = Path.Combine(_directory, "master.key");
        Control = new ControlPlane(DsnParser.Parse(RegistryDsn), "tester");
    }

    public PostgresServer Server { get; }

    public string RegistryDsn { get; }

    public string ShardDatabase { get; }

    public string RegistryDatabase => new NpgsqlConnectionStringBuilder(RegistryDsn).Database!;

    public string KeyFile { get; }

    public ControlPlane Control { get; private set; }

    /// <summary>Nothing but empty databases.</summary>
    public static async Task<ControlWorld> EmptyAsync(int version) => await EmptyAsync(await PostgresServer.SharedAsync(version));

    /// <summary>The same on a server of one's own: roles and their drift belong to the whole cluster.</summary>
    public static async Task<ControlWorld> EmptyAsync(PostgresServer server)
    {
        int number = Interlocked.Increment(ref _worlds);
        return new ControlWorld(server, await server.CreateDatabaseAsync($"registry{number}"), await server.CreateDatabaseAsync($"shard{number}"));
    }

    /// <summary>A registry, a master key, and shard s1 in region eu, prepared.</summary>
    public static async Task<ControlWorld> PreparedAsync(int version, string lockdown = "relaxed") => await PreparedAsync(await PostgresServer.SharedAsync(version), lockdown);

    /// <inheritdoc cref="PreparedAsync(int, string)"/>
    public static async Task<ControlWorld> PreparedAsync(PostgresServer server, string lockdown = "relaxed")
    {
        ControlWorld world = await EmptyAsync(server);
        await world.MustAsync("init");
        await world.MustAsync("shard", "add", "s1", "--primary", world.Server.Dsn(world.ShardDatabase), "--region", "eu");
        await world.MustAsync("shard", "prepare", "s1", "--lockdown", lockdown);
        return world;
    }

    /// <summary>Another control plane on the same registry, as another run of the program has it.</summary>
    /// <param name="reached">Called where a job may be cut off.</param>
    public ControlPlane NewControl(Func<string, Task>? reached = null)
        => new(DsnParser.Parse(RegistryDsn), "tester") { MasterKey = Key(), Reached = reached ?? (_ => Task.CompletedTask) };

    /// <summary>Ends every connection to registry and shard, as they end with the programs that hold them.</summary>
    public async Task EndAllConnectionsAsync()
    {
        string registry = new NpgsqlConnectionStringBuilder(RegistryDsn).Database!;
        string? own = await Server.ScalarAsync<string>("SELECT string_agg('tenant_' || replace(id::text, '-', ''), ',') FROM system.tenants WHERE isolation = 'database'", registry);
        await Server.ExecuteAsync(
            $"""
            SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE pid <> pg_backend_pid() AND datname = ANY (string_to_array('{registry},{ShardDatabase},{own}', ','))
            """);
        NpgsqlConnection.ClearAllPools();
        await Control.DisposeAsync();
        Control = new ControlPlane(DsnParser.Parse(RegistryDsn), "tester");
    }

    /// <summary>Lets the time pass that a worker waits before it takes over what was cut off; what is scheduled for another day stays.</summary>
    public Task MakeOpenJobsDueAsync() => Server.ExecuteAsync(
        "UPDATE system.jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'", new NpgsqlConnectionStringBuilder(RegistryDsn).Database!);

    public MasterKey Key() => MasterKey.ReadFile(KeyFile);

    /// <summary>Runs proxyctl as the program's Main does.</summary>
    public Task<CliRun> RunAsync(params string[] args) => RunAsync("", args);

    public async Task<CliRun> RunAsync(string stdin, string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var console = new CliConsole(new StringReader(stdin), output, error, IsTerminal: false, name => name switch
        {
            GlobalOptions.RegistryVariable => RegistryDsn,
            GlobalOptions.MasterKeyFileVariable => KeyFile,
            _ => null,
        });
        int exitCode = await ProxyCtl.RunAsync(args, console);
        return new CliRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs proxyctl, which must succeed.</summary>
    public async Task<CliRun> MustAsync(params string[] args)
    {
        CliRun run = await RunAsync(args);
        Assert.True(run.ExitCode == 0, $"proxyctl {string.Join(' ', args)} ended with {run.ExitCode}: {run.Error}");
        return run;
    }

    /// <summary>Makes a tenant, with tables when a template is given.</summary>
    public async Task<Tenant> TenantAsync(string slug, IsolationModel isolation, string? template = null, string plan = "growth")
    {
        var provisioning = new TenantProvisioning(Control, Key());
        TenantCreated made = await provisioning.CreateAsync(
            new TenantRequest { Slug = TenantSlug.Parse(slug), Plan = plan, Isolation = isolation, Template = template }, CancellationToken.None);
        return made.Entry.Tenant;
    }

    public async Task<TenantEntry> EntryAsync(string slug) => await Control.Store.GetTenantAsync(TenantSlug.Parse(slug));

    /// <summary>Connects as the tenant's login role with the password that follows from the master key, and with its settings, as the proxy does.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(Tenant tenant, UserRole role = UserRole.App, string? database = null)
    {
        var connection = new NpgsqlConnection(ConnectionString(tenant, role, database));
        await connection.OpenAsync();
        return connection;
    }

    public string ConnectionString(Tenant tenant, UserRole role = UserRole.App, string? database = null)
    {
        string name = BackendNames.Role(tenant.Id, role);
        return new NpgsqlConnectionStringBuilder(Server.Dsn(database ?? tenant.Placement.Database))
        {
            Username = name,
            Password = new BackendPasswords(Key()).PasswordFor(name, tenant.CredentialsEpoch),
            Options = new TenantSettings().OptionsFor(tenant),
            Pooling = false,
        }.ConnectionString;
    }

    public async Task<ScramVerifier> VerifierAsync(string slug, string user) => (ScramVerifier)(await EntryAsync(slug)).Tenant.Users[user].Verifier;

    public string WriteFile(string name, string content)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, content);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await Control.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>How a run of proxyctl ended.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public JsonElement ErrorJson => JsonDocument.Parse(Error).RootElement.GetProperty("error");
}
