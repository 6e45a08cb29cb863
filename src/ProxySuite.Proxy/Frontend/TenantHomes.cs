using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Which reactor serves a client: the home of its tenant, always the same, so that all its clients meet their pool there; or, for a tenant of many server connections
/// (<see cref="PoolOptions.SpreadFrom"/>), the one of several that has fewest of its clients. Any thread.
/// </summary>
/// <param name="reactors">How many there are, from 1.</param>
/// <param name="options">Options in force.</param>
internal sealed class TenantHomes(int reactors, CurrentOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TenantId, int[]> _clients = [];

    /// <summary>The reactor that a tenant is always found on, from 0.</summary>
    /// <param name="tenant">The tenant; ids may be random, ordered by time or counted up.</param>
    /// <param name="reactors">How many there are, from 1.</param>
    public static int HomeOf(TenantId tenant, int reactors)
    {
        // Ids that are counted up differ in few bits, and Guid's hash leaves them where they are. Multiplied by 2^32 / the golden ratio each has a say in the upper ones.
        uint mixed = unchecked((uint)tenant.Value.GetHashCode() * 0x9E37_79B9u);
        return (int)((mixed * (ulong)reactors) >> 32);
    }

    /// <summary>Over how many reactors a tenant's clients are spread, from 1.</summary>
    public int WidthOf(Tenant tenant)
    {
        int from = options.Value.Pool.SpreadFrom;
        return from == 0 || reactors == 1 ? 1 : Math.Clamp(tenant.Plan.Connections / from, 1, reactors);
    }

    /// <summary>Chooses the reactor of a client and counts it there, until <see cref="Leave"/>.</summary>
    /// <param name="tenant">The client's.</param>
    /// <param name="accepted">The reactor that it is on: preferred among equals.</param>
    /// <param name="isReplication">It asks for a replication connection; those of a tenant stay together, as its slots are counted there.</param>
    public int Enter(Tenant tenant, int accepted, bool isReplication)
    {
        if (reactors == 1) return 0;
        int home = HomeOf(tenant.Id, reactors), width = isReplication ? 1 : WidthOf(tenant), best = home;
        lock (_gate)
        {
            if (!_clients.TryGetValue(tenant.Id, out int[]? clients)) _clients[tenant.Id] = clients = new int[reactors];
            for (int step = 1; step < width; step++)
            {
                int reactor = (home + step) % reactors;
                if (clients[reactor] < clients[best] || (clients[reactor] == clients[best] && reactor == accepted)) best = reactor;
            }
            clients[best]++;
        }
        return best;
    }

    /// <summary>A client has gone.</summary>
    public void Leave(TenantId tenant, int reactor)
    {
        if (reactors == 1) return;
        lock (_gate)
        {
            int[] clients = _clients[tenant];
            clients[reactor]--;
            if (Array.TrueForAll(clients, static count => count == 0)) _clients.Remove(tenant);
        }
    }
}
