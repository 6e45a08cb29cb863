using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Host;

/// <summary>
/// Starts the metrics pages, then the data plane; on the way down drains the data plane while the pages still tell of it. The pages come first and go
/// last, so that a probe sees "starting" and "draining" instead of a closed port.
/// </summary>
internal sealed class ProxyService(
    IProxyServer server, TenantDirectory tenants, ITenantRegistry registry, CurrentOptions current, StatsRegistry stats, LogOutput logOutput, SignalLifetime signals,
    ILogger<ProxyService> logger) : IHostedService
{
    /// <summary>Longest time that closing what is left may take once the drain is over.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private MetricsServer? _pages;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ProxyOptions options = current.Value;
        current.Changed += next => logOutput.Apply(next.Logging);
        long descriptors = ProcessMetrics.OpenFilesMax();
        if (descriptors > 0 && descriptors <= options.Limits.MaxClients) logger.FewDescriptors(descriptors, options.Limits.MaxClients);

        StartPages(options.Metrics);
        try
        {
            await StartServerAsync(options.Listen, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await ClosePagesAsync().ConfigureAwait(false); // the generic host stops no service that did not start
            throw;
        }
        SystemdNotify.Ready();
        logger.Ready(ProductVersion.Text, string.Join(",", server.EndPoints), _pages?.EndPoint.ToString() ?? "off", options.Registry.Kind,
            EnumWords<TransportKind>.Of(options.Transport.Kind), options.Reactors.Resolved, Environment.Version,
            (long)(DateTime.Now - Process.GetCurrentProcess().StartTime).TotalMilliseconds);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        SystemdNotify.Stopping();
        TimeSpan deadline = current.Value.Shutdown.DrainTimeout;
        logger.Draining(signals.StopSignal, server.Health.Clients, (long)deadline.TotalMilliseconds);
        try
        {
            await server.DrainAsync(deadline, signals.Hurry).ConfigureAwait(false);
            logger.Drained(server.Health.Clients);
        }
        catch (OperationCanceledException)
        {
            logger.DrainCutShort(server.Health.Clients);
        }
        using var stop = new CancellationTokenSource(StopTimeout);
        await server.StopAsync(stop.Token).ConfigureAwait(false);
        await ClosePagesAsync().ConfigureAwait(false);
        logger.Stopped();
    }

    private async Task ClosePagesAsync()
    {
        if (_pages is not null) await _pages.DisposeAsync().ConfigureAwait(false);
        _pages = null;
    }

    private async Task StartServerAsync(ListeningOptions listen, CancellationToken cancellationToken)
    {
        try
        {
            await server.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            string unixSocket = listen.UnixSocketDirectory.Length > 0 ? $" or in {listen.UnixSocketDirectory}" : "";
            throw new StartupException($"cannot listen on {new IPEndPoint(listen.Address, listen.Port)}{unixSocket} (section Listen): {exception.Message}", exception);
        }
    }

    private void StartPages(MetricsOptions options)
    {
        if (options.Port == 0) return;
        var endPoint = new IPEndPoint(options.Address, options.Port);
        var process = new ProcessMetrics(ProductVersion.Text, () => logOutput.DroppedEvents);
        var pages = new MetricsServer(endPoint, new MetricsPage(current, stats, server, tenants.Counters, process),
            new HealthPages(server, new RegistryProbe(registry)));
        try
        {
            pages.Start();
        }
        catch (SocketException exception)
        {
            throw new StartupException($"cannot listen on {endPoint} (Metrics:Address, Metrics:Port): {exception.Message}", exception);
        }
        _pages = pages;
    }
}
