using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using GenericHost = Microsoft.Extensions.Hosting.Host;

namespace ProxySuite.Host;

/// <summary>The program: command line and configuration in, exit code out.</summary>
internal static class Proxyd
{
    private const int Done = 0, Failed = 1, WrongUsage = 2;

    /// <summary>Runs until a signal stops it.</summary>
    /// <param name="arguments">The command line without the program's name.</param>
    /// <param name="addDataPlane">Registers <see cref="IProxyServer"/>, the tenant directory and the registry.</param>
    /// <returns>0 done, 1 failed, 2 wrong usage.</returns>
    public static async Task<int> RunAsync(string[] arguments, Action<IServiceCollection, ProxyOptions> addDataPlane)
    {
        var commandLine = CommandLine.Parse(arguments);
        if (commandLine.Problems.Count > 0)
        {
            foreach (string problem in commandLine.Problems) await Console.Error.WriteLineAsync($"proxyd: {problem}").ConfigureAwait(false);
            await Console.Error.WriteLineAsync("proxyd --help lists the options").ConfigureAwait(false);
            return WrongUsage;
        }
        if (commandLine.Help) return await SayAsync(CommandLine.Usage.TrimEnd()).ConfigureAwait(false);
        if (commandLine.Version) return await SayAsync($"proxyd {ProductVersion.Text}").ConfigureAwait(false);

        var sources = new ConfigSources(commandLine.ConfigFile, Environment.GetEnvironmentVariables(), commandLine.Keys);
        LoadedOptions loaded = OptionsLoader.Load(sources);
        if (loaded.Problems.Count > 0)
        {
            foreach (ConfigProblem problem in loaded.Problems) await Console.Error.WriteLineAsync($"proxyd: {problem}").ConfigureAwait(false);
            return Failed;
        }
        if (commandLine.Check) return await SayAsync("configuration OK").ConfigureAwait(false);

        using var logOutput = new LogOutput(loaded.Options.Logging);
        IHost host = Build(sources, loaded, logOutput, addDataPlane);
        await using (((IAsyncDisposable)host).ConfigureAwait(false)) return await RunAsync(host).ConfigureAwait(false);
    }

    /// <summary>Wires everything; nothing runs yet.</summary>
    internal static IHost Build(ConfigSources sources, LoadedOptions loaded, LogOutput logOutput, Action<IServiceCollection, ProxyOptions> addDataPlane)
    {
        // The empty builder: the default one reads appsettings.json, DOTNET_ variables and the command line once more, in its own way.
        HostApplicationBuilder builder = GenericHost.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(logOutput.Provider); // Serilog's level decides, as a reload can change it
        IServiceCollection services = builder.Services;
        services.Configure<HostOptions>(options => options.ShutdownTimeout = Timeout.InfiniteTimeSpan); // Shutdown:DrainTimeout bounds it
        services.AddSingleton(sources);
        services.AddSingleton(loaded);
        services.AddSingleton(logOutput);
        services.AddSingleton(new CurrentOptions(loaded.Options));
        services.AddSingleton<StatsRegistry>();
        services.AddSingleton<Reloader>();
        services.AddSingleton<SignalLifetime>();
        services.AddSingleton<IHostLifetime>(provider => provider.GetRequiredService<SignalLifetime>());
        addDataPlane(services, loaded.Options);
        services.AddHostedService<ProxyService>(); // last: what the data plane checks at start comes before clients
        services.AddHostedService<MemoryUpkeep>();
        return builder.Build();
    }

    internal static async Task<int> RunAsync(IHost host)
    {
        ILogger logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ProxySuite.Host");
        try
        {
            await host.StartAsync().ConfigureAwait(false);
            await host.WaitForShutdownAsync().ConfigureAwait(false);
            return Done;
        }
        catch (StartupException exception)
        {
            logger.CannotStart(exception.Message);
        }
        catch (OperationCanceledException) when (host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested)
        {
            return Done; // stopped while it was starting
        }
#pragma warning disable CA1031 // the last line of defence: whatever it is, it is said once and becomes the exit code
        catch (Exception exception)
        {
            logger.Failed(exception);
        }
#pragma warning restore CA1031
        return Failed;
    }

    private static async Task<int> SayAsync(string text)
    {
        await Console.Out.WriteLineAsync(text).ConfigureAwait(false);
        return Done;
    }
}
