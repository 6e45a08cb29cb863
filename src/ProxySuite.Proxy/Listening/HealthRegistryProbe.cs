using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Proxy.Listening;

/// <summary>
/// Asks the registry whether it is there, for /readyz of a proxy that knows no tenant or has lost the registry. Clients would find out too, but an
/// unready proxy gets no clients: without asking it would stay unready for ever.
/// </summary>
internal sealed class RegistryProbe(ITenantRegistry registry)
{
    /// <summary>Longest wait for an answer; the kubelet's probes wait 1 s by default, Prometheus' blackbox exporter longer.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Task<bool>? _asking;

    /// <summary>Whether the registry answers now. Callers at one time share one question.</summary>
    public Task<bool> IsReachableAsync()
    {
        lock (_gate)
        {
            if (_asking is null or { IsCompleted: true }) _asking = AskAsync();
            return _asking;
        }
    }

    private async Task<bool> AskAsync()
    {
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            await registry.ListShardsAsync(timeout.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is RegistryUnavailableException or RegistryDataException or OperationCanceledException)
        {
            return exception is RegistryDataException; // it answers, with a row we cannot read: tenants elsewhere can be served
        }
    }
}
