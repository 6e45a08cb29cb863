using System.Net;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// One client connection in all the counts that are bounded: of the proxy, of its address, and, once it has proved whose it is, of its tenant. Taken when it is
/// accepted and given back exactly once, whatever ends it.
/// </summary>
internal sealed class ClientSeat
{
    // Beyond a limit connections are still taken, so that they can be told why they are refused; beyond this many more they are not.
    private const int RefusedAtOnceMax = 1000;

    private readonly ProxyStats _stats;
    private readonly AddressCounts _addresses;
    private readonly IPAddress? _address;
    private readonly long _clients;
    private readonly int _ofAddress;
    private TenantLimiter? _limiter;
    private (TenantHomes Homes, TenantId Tenant, int Reactor)? _home;
    private bool _isReturned;

    public ClientSeat(ProxyStats stats, AddressCounts addresses, EndPoint remote)
    {
        _stats = stats;
        _addresses = addresses;
        _address = AddressCounts.KeyOf(remote);
        _clients = stats.ClientOpened();
        if (_address is not null) _ofAddress = addresses.Add(_address);
    }

    /// <summary>So many are beyond a limit already that this one is not even told.</summary>
    public bool IsFarBeyond(LimitsOptions limits)
        => _clients > (long)limits.MaxClients + RefusedAtOnceMax || (limits.MaxClientsPerAddress > 0 && _ofAddress > (long)limits.MaxClientsPerAddress + RefusedAtOnceMax);

    /// <exception cref="ClientRefusedException">53300, when it is beyond the proxy's or the address's limit.</exception>
    public void Check(LimitsOptions limits)
    {
        if (_clients > limits.MaxClients) throw new ClientRefusedException(ProxyErrors.TooManyClients(limits.MaxClients), RefusalReason.TooManyClients);
        if (limits.MaxClientsPerAddress > 0 && _ofAddress > limits.MaxClientsPerAddress)
            throw new ClientRefusedException(ProxyErrors.TooManyClientsOfAddress(limits.MaxClientsPerAddress), RefusalReason.AddressClients);
    }

    /// <summary>Chooses the reactor that serves it, and counts it there.</summary>
    public int Settle(TenantHomes homes, Tenant tenant, int accepted, bool isReplication)
    {
        int reactor = homes.Enter(tenant, accepted, isReplication);
        _home = (homes, tenant.Id, reactor);
        return reactor;
    }

    /// <summary>Takes a place among the tenant's clients. On the tenant's home reactor, where <see cref="Return"/> belongs from then on.</summary>
    /// <exception cref="ClientRefusedException">53300 or 53400, when the tenant has no place for it.</exception>
    public void Enter(TenantLimiter limiter)
    {
        if (limiter.OpenClient(out RefusalReason reason) is { } refused) throw new ClientRefusedException(refused, reason);
        _limiter = limiter;
    }

    /// <summary>Gives all of it back; the second time nothing happens.</summary>
    public void Return()
    {
        if (_isReturned) return;
        _isReturned = true;
        _limiter?.CloseClient();
        if (_home is { } home) home.Homes.Leave(home.Tenant, home.Reactor);
        if (_address is not null) _addresses.Remove(_address);
        _stats.ClientClosed();
    }
}

/// <summary>A client is refused because of a limit of clients.</summary>
/// <param name="error">The answer.</param>
/// <param name="reason">For the metric.</param>
internal sealed class ClientRefusedException(PgError error, RefusalReason reason) : PgErrorException(error)
{
    public RefusalReason Reason { get; } = reason;
}
