using System.Collections.Concurrent;
using Npgsql;

namespace ProxySuite.Testing.Servers;

/// <summary>A real PostgreSQL server on a loopback port and a Unix socket, made for tests and gone with them.</summary>
/// <remarks>
/// Over TCP it asks for SCRAM-SHA-256, over the Unix socket for nothing. It writes without fsync, keeps little memory, and
/// has wal_level=logical. <see cref="SharedAsync"/> gives one a version for tests that keep to a database of their own;
/// tests that stop a server or change its roles and settings make their own with <see cref="CreateAsync(PostgresOptions)"/>.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string SuperUser = "postgres";
    public const string SuperPassword = "throw-away";

    private static readonly ConcurrentDictionary<int, Lazy<Task<PostgresServer>>> Shared = new();
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);
    private static int _databases;

    private readonly string _directory;
    private readonly string _binaries;
    private ServerProcess? _process;

    private PostgresServer(PostgresOptions options, string directory)
    {
        Options = options;
        _directory = directory;
        _binaries = Binaries.Postgres(options.Version);
    }

    public PostgresOptions Options { get; }

    public int Version => Options.Version;

    public string Host { get; } = "127.0.0.1";

    /// <summary>Stays the same over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>The directory of the socket <c>.s.PGSQL.PORT</c>; give it as host.</summary>
    public string SocketDirectory => _directory;

    /// <summary>The postmaster's pid.</summary>
    /// <exception cref="InvalidOperationException">The server is stopped.</exception>
    public int Pid => Running.Pid;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The server's log since its first start.</summary>
    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    private ServerProcess Running => _process ?? throw new InvalidOperationException("the server is stopped");

    private string Data => $"{_directory}/data";

    private string LogFile => $"{_directory}/log";

    /// <summary>The server of that version which all tests of this test host share; it ends with the test host.</summary>
    public static Task<PostgresServer> SharedAsync(int version = 18)
        => Shared.GetOrAdd(version, static v => new(() => CreateAsync(new PostgresOptions { Version = v, MaxConnections = 300 }))).Value;

    /// <summary>Makes a cluster and starts it; the caller disposes it.</summary>
    public static Task<PostgresServer> CreateAsync(int version) => CreateAsync(new PostgresOptions { Version = version });

    /// <inheritdoc cref="CreateAsync(int)"/>
    public static async Task<PostgresServer> CreateAsync(PostgresOptions options)
    {
        PostgresServer server = new(options, ServerDirectory.Create($"pg{options.Version}-"));
        await PostgresTemplate.CopyToAsync(options.Version, server.Data);
        // Between the look at a port and its use another process may take it: then the next port is tried.
        for (int attempt = 1; ; attempt++)
        {
            server.Port = FreePort.Next();
            server.Configure();
            try
            {
                await server.StartAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 5 && server.Log.Contains("Address already in use", StringComparison.Ordinal))
            {
                File.Delete(server.LogFile);
            }
        }
    }

    /// <summary>An Npgsql connection string over TCP; the superuser's unless another user is named.</summary>
    public string Dsn(string database = "postgres", string user = SuperUser, string password = SuperPassword)
        => $"Host={Host};Port={Port};Database={database};Username={user};Password={password};Timeout=60;Command Timeout=60";

    /// <summary>The same as a <c>postgres://</c> URI, for psql, pgbench and proxyctl.</summary>
    public string Uri(string database = "postgres", string user = SuperUser, string password = SuperPassword)
        => $"postgres://{user}:{System.Uri.EscapeDataString(password)}@{Host}:{Port}/{database}";

    /// <summary>Starts a stopped server and returns when it accepts connections.</summary>
    /// <exception cref="InvalidOperationException">It did not start; the message carries its log.</exception>
    public async Task StartAsync()
    {
        if (IsRunning) return;
        _process?.Dispose();
        // Left by a killed server, and never right for the one that starts now.
        File.Delete($"{Data}/postmaster.pid");
        _process = await ServerProcess.StartAsync(
            "/bin/sh", ["-c", "exec \"$0\" -D \"$1\" >>\"$2\" 2>&1", $"{_binaries}/postgres", Data, LogFile], asPostgres: true);
        long deadline = Environment.TickCount64 + (long)StartTimeout.TotalMilliseconds;
        while (!IsReady())
        {
            if (_process.HasExited) throw new InvalidOperationException($"PostgreSQL {Version} did not start:\n{Log}{_process.Output}");
            if (Environment.TickCount64 > deadline) throw new InvalidOperationException($"PostgreSQL {Version} is not ready after {StartTimeout.TotalSeconds} s:\n{Log}");
            await Task.Delay(10);
        }
    }

    /// <summary>Stops it as an operator does (fast shutdown): clients get 57P01, and all is written.</summary>
    public Task StopAsync() => EndAsync(server => server.Signal(UnixSignal.Interrupt));

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>Kills every process of it at once: clients see their connection end without a word, and the next start recovers.</summary>
    public Task KillAsync() => EndAsync(server => server.KillTree());

    /// <summary>Stops the postmaster's clock: new connections are accepted by the kernel and never answered, open ones go on.</summary>
    public void Freeze() => Running.Signal(UnixSignal.Stop);

    public void Thaw() => Running.Signal(UnixSignal.Continue);

    /// <summary>Reads the changed configuration files, as after SIGHUP.</summary>
    public void Reload() => Running.Signal(UnixSignal.Hangup);

    /// <summary>Makes an empty database with a name nobody else has.</summary>
    /// <returns>Its name, for example <c>test_1_app</c>.</returns>
    public async Task<string> CreateDatabaseAsync(string label = "db")
    {
        string name = $"test_{Interlocked.Increment(ref _databases)}_{label}";
        await ExecuteAsync($"CREATE DATABASE {name}");
        return name;
    }

    /// <summary>Runs one or several statements as superuser.</summary>
    public async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using NpgsqlConnection connection = await OpenAsync(database);
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of the first row as superuser; the type's default for NULL and for no row.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, string database = "postgres")
    {
        await using NpgsqlConnection connection = await OpenAsync(database);
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    /// <summary>Ends the server and removes its files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            // A frozen postmaster would keep the signal until it is woken.
            Thaw();
            await EndAsync(server => server.Signal(UnixSignal.Quit));
        }
        ServerDirectory.Remove(_directory);
    }

    // Unpooled: no connection stays behind to hold a database or to count in pg_stat_activity.
    private async Task<NpgsqlConnection> OpenAsync(string database)
    {
        NpgsqlConnection connection = new($"{Dsn(database)};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private async Task EndAsync(Action<ServerProcess> end)
    {
        if (_process is not { } process) return;
        end(process);
        await process.WaitForExitAsync(StopTimeout);
        process.Dispose();
        _process = null;
    }

    private void Configure()
    {
        Dictionary<string, string> settings = new()
        {
            ["listen_addresses"] = Host,
            ["port"] = $"{Port}",
            ["unix_socket_directories"] = _directory,
            ["max_connections"] = $"{Options.MaxConnections}",
            ["shared_buffers"] = "16MB",
            ["fsync"] = "off",
            ["synchronous_commit"] = "off",
            ["full_page_writes"] = "off",
            ["wal_level"] = "logical",
            ["max_wal_senders"] = "20",
            ["max_replication_slots"] = "20",
            ["max_worker_processes"] = "20",
            ["autovacuum_naptime"] = "1h",
            ["log_line_prefix"] = "%m [%p] %u@%d ",
        };
        foreach ((string name, string value) in Options.Settings) settings[name] = value;
        // The last line for a setting wins, so a second attempt with another port just replaces the file.
        File.WriteAllLines($"{Data}/postgresql.auto.conf", settings.Select(setting => $"{setting.Key} = '{setting.Value.Replace("'", "''", StringComparison.Ordinal)}'"));
        File.WriteAllLines(
            $"{Data}/pg_hba.conf",
            [
                .. Options.HostRules,
                "local all         all              trust",
                "local replication all              trust",
                "host  all         all 127.0.0.1/32 scram-sha-256",
                "host  replication all 127.0.0.1/32 scram-sha-256",
            ]);
    }

    // The eighth line of postmaster.pid says "ready" once connections are accepted (pg_ctl waits for it as well).
    private bool IsReady()
    {
        try
        {
            string[] lines = File.ReadAllLines($"{Data}/postmaster.pid");
            return lines.Length >= 8 && lines[7].Trim() == "ready";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
