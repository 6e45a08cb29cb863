using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Limits;

/// <summary>The tenant's client connections: how many at a time, and how many new ones a second.</summary>
internal sealed partial class TenantLimiter
{
    /// <summary>Client connections on this reactor now, those included that are about to get their session.</summary>
    public int Clients { get; private set; }

    /// <summary>When one last came or left; the limiter's clock.</summary>
    public long EmptySince { get; private set; }

    /// <summary>Called when the last client has left.</summary>
    public Action? Emptied { get; set; }

    /// <summary>Among those that <see cref="LimiterTable.Sweep"/> looks at.</summary>
    public bool IsToSweep { get; set; }

    /// <summary>Takes a place for a client that has proved who it is. To be given back by <see cref="CloseClient"/>.</summary>
    /// <param name="reason">What to count when it is refused.</param>
    /// <returns>Why it is refused; null when it has its place.</returns>
    public PgError? OpenClient(out RefusalReason reason)
    {
        long now = EmptySince = _clock();
        int clientsMax = _limits.ClientsMax ?? _options.Value.Limits.MaxClientsPerTenant;
        if (!_group.TryEnter(clientsMax))
        {
            reason = RefusalReason.TenantClients;
            _stats.Limited(LimitKind.Clients, isRefused: true)++;
            return ProxyErrors.TooManyClientsOfTenant(clientsMax, isOfPlan: _limits.ClientsMax is not null);
        }
        reason = RefusalReason.ConnectionRate;
        Cell.ConnectionsWanted++;
        Renew(now);
        if (_limits.ConnectionsPerSecond is { } rate && !_connections.TryTake(now))
        {
            _group.Leave();
            _stats.Limited(LimitKind.Connections, isRefused: true)++;
            return ProxyErrors.ConnectionRateLimited(rate, _connections.WaitFor(1, now));
        }
        Clients++;
        return null;
    }

    /// <summary>Gives a client's place back.</summary>
    public void CloseClient()
    {
        Clients--;
        _group.Leave();
        EmptySince = _clock();
        if (Clients == 0) Emptied?.Invoke();
    }
}
