using System.Diagnostics;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The right to hold one server connection: one place of the tenant's budget and one of the shard's. An owned value: whoever takes it gives it back
/// exactly once, so that free + leased = budget at any time. A leaked permit freezes a pool slowly; that bug is worth a type of its own.
/// </summary>
internal sealed class ServerPermit : IDisposable
{
    private readonly TenantBudget _tenant;
    private bool _isReturned;

    internal ServerPermit(TenantBudget tenant, ShardPlace place, bool isTaken = false)
    {
        _tenant = tenant;
        Place = place;
        if (!isTaken) tenant.Take();
    }

    /// <summary>The place on the shard.</summary>
    public ShardPlace Place { get; }

    /// <summary>Waits for the login that it was taken for. With a server it is the server's for as long as that lives; without one it has been given back.</summary>
    /// <param name="login">The login.</param>
    /// <param name="stats">The shard's, which hear how it went.</param>
    /// <returns>A server, or why there is none.</returns>
    public async Task<(ServerConnection? Server, OpenFailure? Failure)> OpenAsync(Task<ServerConnection> login, ShardStats stats)
    {
        long started = Stopwatch.GetTimestamp();
        ServerConnection server;
        try
        {
            server = await login;
        }
        catch (OpenException refused)
        {
            return (null, Refuse(refused.Failure, stats));
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            // Whatever it was, the permit comes back and those who wait hear of it.
            return (null, Refuse(new OpenFailure($"{bug.GetType().Name}: {bug.Message}", IsPermanent: false), stats));
        }
        Place.Opened();
        long now = Stopwatch.GetTimestamp();
        stats.Connected(now, now - started);
        return (server, null);
    }

    /// <summary>Gives the permit back: no connection could be opened with it.</summary>
    /// <param name="isShardsFault">False when one login was refused, which says nothing about others.</param>
    public void Failed(bool isShardsFault)
    {
        End();
        Place.Failed(isShardsFault);
    }

    /// <summary>Gives the permit back.</summary>
    /// <exception cref="InvalidOperationException">It was given back before: two owners believe that it is theirs.</exception>
    public void Dispose()
    {
        End();
        Place.Dispose();
    }

    private OpenFailure Refuse(OpenFailure failure, ShardStats stats)
    {
        bool isShardsFault = !failure.IsPermanent && !failure.MayHaveMoved;
        Failed(isShardsFault);
        stats.Failed(Stopwatch.GetTimestamp());
        if (isShardsFault) stats.Faults++;
        return failure;
    }

    private void End()
    {
        if (_isReturned) throw new InvalidOperationException("a server permit was returned twice");
        _isReturned = true;
        _tenant.Return();
    }
}
