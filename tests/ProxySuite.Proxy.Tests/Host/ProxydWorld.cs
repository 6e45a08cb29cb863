using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>A running proxyd with a configuration file, on ports of its own; killed when the test is done.</summary>
internal sealed class ProxydWorld : IAsyncDisposable
{
    /// <summary>Longest wait for anything that happens in milliseconds on a quiet machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("proxysuite-proxyd-").FullName;
    private readonly int _metricsPort = FreePort.Next();
    private readonly HttpClient _http = new();
    private ServerProcess? _process;

    private ProxydWorld()
    {
        MasterKey.CreateFile(Path.Combine(_directory, "master.key"));
        File.WriteAllText(ConfigFile, "{}");
    }

    public string ConfigFile => Path.Combine(_directory, "proxyd.json");

    public string Output => Process.Output;

    private ServerProcess Process => _process ?? throw new InvalidOperationException("not started");

    public static async Task<ProxydWorld> StartAsync(string registry, string[] arguments, Dictionary<string, string>? environment = null)
    {
        var world = new ProxydWorld();
        string[] all =
        [
            "--config", world.ConfigFile, "--Registry:ConnectionString", registry, "--Secrets:MasterKeyFile", Path.Combine(world._directory, "master.key"),
            "--Listen:Port=0", $"--Metrics:Port={world._metricsPort}", .. arguments,
        ];
        world._process = await ServerProcess.StartAsync(Path.Combine(AppContext.BaseDirectory, "proxyd"), all, environment: environment);
        return world;
    }

    public void Signal(UnixSignal signal) => Process.Signal(signal);

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

    /// <summary>A page's body, whatever its status.</summary>
    public async Task<string> GetAsync(string page)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{_metricsPort}{page}"));
        return await answer.Content.ReadAsStringAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            if (!_process.HasExited) _process.KillTree();
            await _process.WaitForExitAsync(Patience);
            _process.Dispose();
        }
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
