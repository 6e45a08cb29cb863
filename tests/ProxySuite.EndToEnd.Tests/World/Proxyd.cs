using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Npgsql;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.World;

/// <summary>A running <c>proxyd</c>, the program as it was built, on ports that the system picked; ended by its pid.</summary>
public sealed partial class Proxyd : IAsyncDisposable
{
    /// <summary>Longest wait for anything that takes milliseconds on a quiet machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _configFile = Path.GetTempFileName();
    private readonly int _metricsPort = FreePort.Next();
    private readonly HttpClient _http = new();
    private readonly List<NpgsqlDataSource> _sources = [];
    private ServerProcess? _process;

    private Proxyd()
    {
        // Instances are made by StartAsync.
    }

    /// <summary>Where clients connect on 127.0.0.1.</summary>
    public int Port { get; private set; }

    public string Output => Process.Output;

    public bool HasExited => Process.HasExited;

    private ServerProcess Process => _process ?? throw new InvalidOperationException("not started");

    /// <summary>Starts it and returns when it is ready.</summary>
    public static async Task<Proxyd> StartAsync(string registry, string masterKeyFile, string[] arguments)
    {
        var proxyd = new Proxyd();
        await proxyd.RunAsync(registry, masterKeyFile, arguments);
        return proxyd;
    }

    /// <summary>An Npgsql connection string; pooling is off unless options say otherwise.</summary>
    /// <param name="options">More of the string, which wins over the rest.</param>
    public string Dsn(TestTenant tenant, string user = "app", string password = ProxydWorld.Password, string options = "")
        => new NpgsqlConnectionStringBuilder(
            $"Host=127.0.0.1;Port={Port};Database={tenant.Slug};Username={user};Password={password};Pooling=false;Timeout=30;Command Timeout=60;{options}").ConnectionString;

    /// <summary>The same for psql and pgbench.</summary>
    public string Uri(TestTenant tenant, string user = "app", string password = ProxydWorld.Password)
        => $"postgres://{user}:{System.Uri.EscapeDataString(password)}@127.0.0.1:{Port}/{tenant.Slug}";

    public async Task<NpgsqlConnection> OpenAsync(TestTenant tenant, string user = "app", string password = ProxydWorld.Password, string options = "")
    {
        var connection = new NpgsqlConnection(Dsn(tenant, user, password, options));
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>A pool of connections, closed with the proxy.</summary>
    public NpgsqlDataSource Pool(TestTenant tenant, string options = "", string user = "app")
    {
        NpgsqlDataSource source = NpgsqlDataSource.Create(Dsn(tenant, user, options: $"Pooling=true;{options}"));
        _sources.Add(source);
        return source;
    }

    public Task<RawClient> ConnectRawAsync() => RawClient.ConnectAsync(Port);

    public async Task<RawClient> LoginRawAsync(TestTenant tenant, string user = "app", IEnumerable<KeyValuePair<string, string>>? parameters = null)
    {
        RawClient client = await ConnectRawAsync();
        await client.LoginAsync(user, tenant.Slug, ProxydWorld.Password, parameters);
        return client;
    }

    public void Signal(UnixSignal signal) => Process.Signal(signal);

    /// <summary>Gives the configuration file another content; SIGHUP puts it in force.</summary>
    public void WriteConfig(string json) => File.WriteAllText(_configFile, json);

    /// <summary>Waits until its output holds a text.</summary>
    public async Task UntilItSaysAsync(string text)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            if (Process.HasExited || Environment.TickCount64 > deadline) Assert.Fail($"proxyd did not say \"{text}\" but:\n{Output}");
            await Task.Delay(10);
        }
    }

    /// <summary>The exit code, once it has ended by itself.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await Process.WaitForExitAsync(Patience);
        return Process.ExitCode;
    }

    /// <summary>Status and body of one of its pages.</summary>
    public async Task<(HttpStatusCode Status, string Body)> GetAsync(string page)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{_metricsPort}{page}"));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>The sum over all samples of a metric whose labels hold all the texts; 0 when there is none.</summary>
    /// <param name="labels">Such as <c>state="idle"</c>.</param>
    public async Task<double> MetricAsync(string name, params string[] labels)
    {
        string page = (await GetAsync("/metrics")).Body;
        return page.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is '{' or ' ')
            .Where(line => labels.All(label => line.Contains(label, StringComparison.Ordinal)))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>Waits until a metric has the value.</summary>
    public async Task UntilMetricAsync(double value, string name, params string[] labels)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        double last;
        while ((last = await MetricAsync(name, labels)) != value)
        {
            if (Environment.TickCount64 > deadline) Assert.Fail($"{name}{{{string.Join(",", labels)}}} is {last} and does not become {value}");
            await Task.Delay(20);
        }
    }

    /// <summary>A value of /proc/PID/status, such as VmRSS (memory in use) or VmHWM (the most there ever was), in kB.</summary>
    public long StatusKilobytes(string field)
    {
        string line = File.ReadLines($"/proc/{Process.Pid}/status").First(line => line.StartsWith($"{field}:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(field.Length + 1).Trim(" \tkB"), CultureInfo.InvariantCulture);
    }

    public int OpenFiles => Directory.GetFileSystemEntries($"/proc/{Process.Pid}/fd").Length;

    /// <summary>True when nobody listens any more.</summary>
    public async Task<bool> RefusesConnectionsAsync()
    {
        try
        {
            using RawClient client = await ConnectRawAsync();
            return false;
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NpgsqlDataSource source in _sources) await source.DisposeAsync();
        if (_process is not null)
        {
            if (!_process.HasExited) _process.KillTree();
            await _process.WaitForExitAsync(Patience);
            _process.Dispose();
        }
        _http.Dispose();
        File.Delete(_configFile);
    }

    private async Task RunAsync(string registry, string masterKeyFile, string[] arguments)
    {
        WriteConfig("{}");
        string[] all =
        [
            "--config", _configFile, "--Registry:ConnectionString", registry, "--Secrets:MasterKeyFile", masterKeyFile,
            "--Listen:Port=0", $"--Metrics:Port={_metricsPort}", "--Pool:ServerChoice=round-robin", .. arguments,
        ];
        _process = await ServerProcess.StartAsync(Binaries.Own("proxyd"), all);
        await UntilItSaysAsync(" ready: clients=");
        Port = int.Parse(ListensOn().Match(Output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"ready: clients=127\.0\.0\.1:(\d+)")]
    private static partial Regex ListensOn();
}
