using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using Xunit;

namespace ProxySuite.Tenancy.Tests.Support;

/// <summary>A PostgreSQL 15 cluster of its own in a temporary directory, on loopback, gone afterwards.</summary>
public sealed class ThrowawayCluster : IAsyncLifetime
{
    private const string Binaries = "/usr/lib/postgresql/15/bin";

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "proxysuite-tenancy-" + Guid.NewGuid().ToString("N")[..12]);
    private int _databases;

    public int Port { get; } = FreePort();

    public Dsn Dsn(string database) => DsnParser.Parse($"postgres://postgres@127.0.0.1:{Port}/{database}");

    public async Task InitializeAsync()
    {
        Assert.True(File.Exists($"{Binaries}/initdb"), "PostgreSQL 15 is missing; install it with: apt-get install -y postgresql-15");
        Directory.CreateDirectory(_directory);
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", "postgres", _directory);
        await AsPostgresAsync("initdb", "-D", $"{_directory}/data", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C");
        await StartAsync();
        // Databases of tests are copies of this one: making a copy takes a fraction of applying the schema.
        await using NpgsqlDataSource postgres = NpgsqlDataSource.Create(Dsn("postgres").Reveal());
        await postgres.ExecuteAsync("CREATE DATABASE with_registry");
        await using (NpgsqlDataSource template = NpgsqlDataSource.Create(Dsn("with_registry").Reveal() + ";Pooling=false"))
        {
            await RegistrySchema.InitAsync(template);
        }
    }

    public Task StartAsync() => AsPostgresAsync("pg_ctl", "-D", $"{_directory}/data", "-w", "-l", $"{_directory}/log", "-o",
        $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=100", "start");

    /// <summary>Ends the server at once, as a crash would; <see cref="StartAsync"/> brings it back with its data.</summary>
    public Task StopAsync() => AsPostgresAsync("pg_ctl", "-D", $"{_directory}/data", "-w", "-m", "immediate", "stop");

    public async Task DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A new database without anything in it.</summary>
    public Task<Dsn> EmptyDatabaseAsync() => CreateDatabaseAsync("template1");

    /// <summary>A new database with the registry's schema.</summary>
    public Task<Dsn> RegistryDatabaseAsync() => CreateDatabaseAsync("with_registry");

    private async Task<Dsn> CreateDatabaseAsync(string template)
    {
        string name = "test_" + Interlocked.Increment(ref _databases).ToString(CultureInfo.InvariantCulture);
        await using NpgsqlDataSource postgres = NpgsqlDataSource.Create(Dsn("postgres").Reveal());
        await postgres.ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {template}");
        return Dsn(name);
    }

    // PostgreSQL refuses to run as root.
    private static Task AsPostgresAsync(string program, params string[] arguments)
        => Environment.IsPrivilegedProcess
            ? RunAsync("runuser", ["-u", "postgres", "--", $"{Binaries}/{program}", .. arguments])
            : RunAsync($"{Binaries}/{program}", arguments);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        // Output goes to no pipe: the server inherits it and would keep us waiting for its end.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", program, .. arguments]);
        start.WorkingDirectory = "/";
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} exited with {process.ExitCode}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Tests that share one cluster, each with a database of its own.</summary>
[CollectionDefinition(Name)]
public sealed class SharedCluster : ICollectionFixture<ThrowawayCluster>
{
    public const string Name = "shared cluster";
}
