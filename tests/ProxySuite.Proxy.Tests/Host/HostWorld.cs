using System.Collections;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ProxySuite.Host;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Tests.Metrics;
using ProxySuite.Proxy.Tests.Options;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Testing.World;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>The whole host around a fake data plane, in this process; signals are calls.</summary>
internal sealed class HostWorld : IDisposable
{
    private readonly ConfigWorld _config = new();
    private readonly LogOutput _logOutput;
    private readonly HttpClient _http = new();
    private readonly IHost _host;
    private Task<int> _run = Task.FromResult(-1);

    public HostWorld(string json = "{}", int maxClients = 100)
    {
        File.WriteAllText(_config.ConfigFile, json);
        MetricsPort = FreePort();
        var sources = new ConfigSources(_config.ConfigFile, new Hashtable(),
        [
            new ConfigValue("Registry:ConnectionString", ConfigWorld.RegistryDsn, "command line"),
            new ConfigValue("Secrets:MasterKeyFile", _config.MasterKeyFile, "command line"),
            new ConfigValue("Metrics:Port", $"{MetricsPort}", "command line"),
            new ConfigValue("Limits:MaxClients", $"{maxClients}", "command line"),
            new ConfigValue("Logging:Level", "none", "command line"),
        ]);
        LoadedOptions loaded = OptionsLoader.Load(sources);
        _logOutput = new LogOutput(loaded.Options.Logging);
        _host = Proxyd.Build(sources, loaded, _logOutput, (services, _) =>
        {
            services.AddSingleton<IProxyServer>(Server);
            services.AddSingleton<ITenantRegistry>(new MemoryRegistry());
            services.AddSingleton(provider => new TenantDirectory(provider.GetRequiredService<ITenantRegistry>()));
            services.AddSingleton<ILoggerProvider>(Log);
        });
    }

    public FakeServer Server { get; } = new();

    public LogLines Log { get; } = new();

    public int MetricsPort { get; }

    public CurrentOptions Options => _host.Services.GetRequiredService<CurrentOptions>();

    /// <summary>Runs the host until it is ready.</summary>
    public async Task StartAsync()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(started.SetResult);
        _run = Proxyd.RunAsync(_host);
        await started.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>Runs the host to its end.</summary>
    public Task<int> RunAsync() => Proxyd.RunAsync(_host).WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>The exit code, once the host has ended.</summary>
    public Task<int> ExitCodeAsync() => _run.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>SIGTERM.</summary>
    public void Terminate() => _host.Services.GetRequiredService<SignalLifetime>().Stop("SIGTERM");

    /// <summary>SIGHUP, after the file was given another content.</summary>
    public void Reload(string json)
    {
        File.WriteAllText(_config.ConfigFile, json);
        _host.Services.GetRequiredService<Reloader>().Reload();
    }

    /// <summary>Status and body of a page.</summary>
    public async Task<(HttpStatusCode Status, string Body)> GetAsync(string page)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{MetricsPort}{page}"));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public void Dispose()
    {
        _host.Dispose();
        _logOutput.Dispose();
        _http.Dispose();
        _config.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Keeps what is logged, as <c>Level text</c>.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly List<string> _lines = [];

    public string[] Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("Microsoft", StringComparison.Ordinal) ? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance : this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines) _lines.Add($"{logLevel} {formatter(state, exception)}");
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
