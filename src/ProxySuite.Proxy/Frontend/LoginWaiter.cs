using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// The first client of a pool waits for its first server connection: only a server can say what clients are told at login (server_version and the like).
/// </summary>
internal sealed class LoginWaiter : PoolWaiter
{
    private TenantPool _pool;
    private readonly TaskCompletionSource<ParameterSnapshot> _done = new();
    private readonly bool _isKept;
    private ServerConnection? _server;

    private LoginWaiter(TenantPool pool, bool isKept)
    {
        _pool = pool;
        _isKept = isKept;
    }

    /// <summary>In session mode: a server for the client's whole session, and the pool that lent it.</summary>
    /// <inheritdoc cref="ParametersAsync" path="/exception"/>
    public static async Task<(TenantPool Pool, ServerConnection Server)> ServerAsync(TenantPool pool, int role)
    {
        if (pool.Refusal is { } refusal) throw new PgErrorException(refusal.AsFatal());
        var waiter = new LoginWaiter(pool, isKept: true);
        if (pool.TryCheckout(role) is { } server) waiter.OnServerLent(server);
        else if (pool.Enqueue(waiter, role) is { } full) throw new PgErrorException(full.AsFatal());
        await waiter._done.Task;
        return (waiter._pool, waiter._server!);
    }

    /// <summary>What a server of this role reports; known at once for all clients but the first.</summary>
    /// <exception cref="PgErrorException">57P03 or 53300, when no server connection came in time.</exception>
    public static ValueTask<ParameterSnapshot> ParametersAsync(TenantPool pool, int role)
    {
        if (pool.Refusal is { } refusal) throw new PgErrorException(refusal.AsFatal());
        if (pool.Welcome[role] is { } known) return ValueTask.FromResult(known);
        var waiter = new LoginWaiter(pool, isKept: false);
        if (pool.TryCheckout(role) is { } server)
        {
            waiter.OnServerLent(server);
        }
        else if (pool.Enqueue(waiter, role) is { } full)
        {
            throw new PgErrorException(full.AsFatal());
        }
        return new ValueTask<ParameterSnapshot>(waiter._done.Task);
    }

    /// <inheritdoc/>
    internal override void OnServerLent(ServerConnection server)
    {
        ParameterSnapshot parameters = server.Parameters;
        _pool.Welcome[server.RoleIndex] = parameters;
        if (_isKept) _server = server;
        else _pool.Checkin(server);
        _done.TrySetResult(parameters);
    }

    /// <inheritdoc/>
    internal override void OnPoolReplaced(TenantPool successor)
    {
        _pool = successor;
        if (successor.TryCheckout(WaiterRole) is { } server) OnServerLent(server);
        else if (successor.Enqueue(this, WaiterRole) is { } full) OnWaitFailed(full);
    }

    /// <inheritdoc/>
    internal override void OnWaitFailed(PgError error) => _done.TrySetException(new PgErrorException(error.AsFatal()));
}
