using System.Net;
using System.Text;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Testing.World;

namespace ProxySuite.Proxy.Tests.Metrics;

/// <summary>The pages over a fake data plane, on a port of their own.</summary>
internal sealed class MetricsWorld : IAsyncDisposable
{
    private readonly MetricsPage _page;
    private MetricsServer? _pages;

    public MetricsWorld(int tenantSeriesMax = 1000)
    {
        Options = new CurrentOptions(new ProxyOptions { Metrics = new MetricsOptions { TenantSeriesMax = tenantSeriesMax } });
        Tenants = new TenantDirectory(Registry);
        _page = new MetricsPage(Options, Stats, Server, Tenants.Counters, new ProcessMetrics("1.2.3", () => LogEventsDropped));
    }

    public CurrentOptions Options { get; }

    public StatsRegistry Stats { get; } = new();

    public FakeServer Server { get; } = new();

    public long LogEventsDropped { get; set; }

    public MemoryRegistry Registry { get; } = new();

    public TenantDirectory Tenants { get; }

    public HealthPages Health => new(Server, new RegistryProbe(Registry));

    public string Text()
    {
        using var text = new PrometheusText();
        _page.Write(text);
        return Encoding.UTF8.GetString(text.Written.Span);
    }

    public PrometheusPage Page() => new(Text());

    /// <summary>The HTTP port, not started.</summary>
    public MetricsServer Pages(IPEndPoint endPoint) => new(endPoint, _page, Health);

    /// <summary>Starts the HTTP port.</summary>
    public IPEndPoint Listen()
    {
        _pages = Pages(new IPEndPoint(IPAddress.Loopback, 0));
        _pages.Start();
        return _pages.EndPoint;
    }

    public async ValueTask DisposeAsync()
    {
        if (_pages is not null) await _pages.DisposeAsync();
    }
}
