using System.Net;

namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Metrics</c>: the HTTP pages /metrics, /healthz and /readyz.</summary>
public sealed record MetricsOptions
{
    /// <summary>Address of the HTTP port. The pages name tenants: keep it off public networks.</summary>
    /// <value>An IPv4 or IPv6 address, <c>localhost</c>, or <c>*</c> for all IPv4 addresses; default 127.0.0.1. Needs a restart.</value>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>HTTP port.</summary>
    /// <value>0 to 65535, 0 for no pages; default 9632. Needs a restart.</value>
    public int Port { get; init; } = 9632;

    /// <summary>Tenants with series of their own; the rest are summed under <c>tenant="_other"</c>.</summary>
    /// <value>0 to 100000; default 1000. Reloadable. A tenant costs about 90 series.</value>
    public int TenantSeriesMax { get; init; } = 1000;

    internal static MetricsOptions Read(SectionReader section)
    {
        var defaults = new MetricsOptions();
        return new()
        {
            Address = section.Address(nameof(Address), defaults.Address),
            Port = section.Integer(nameof(Port), defaults.Port, 0, 65535),
            TenantSeriesMax = section.Integer(nameof(TenantSeriesMax), defaults.TenantSeriesMax, 0, 100_000, Reload.Live),
        };
    }
}
