using System.Diagnostics;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Admin;

/// <summary>What several commands ask of all reactors, put together.</summary>
internal static class AdminSnapshot
{
    /// <summary>All tenants' pools. One that several reactors serve is one: what they have together.</summary>
    public static async Task<List<PoolView>> PoolsAsync(this AdminScope scope, CancellationToken cancellationToken)
        => [.. (await scope.AllPoolsAsync(cancellationToken).ConfigureAwait(false)).Where(static pool => !pool.IsRetiring)];

    /// <summary>All pools as <see cref="PoolsAsync"/> has them, and behind a tenant's own those that it has left behind and that have not got back yet what they have lent.</summary>
    public static async Task<List<PoolView>> AllPoolsAsync(this AdminScope scope, CancellationToken cancellationToken)
        => [.. (await scope.AskAsync(PoolView.Of, cancellationToken).ConfigureAwait(false)).SelectMany(static part => part)
            .GroupBy(static pool => (pool.Tenant, pool.IsRetiring, pool.Config.Shard), static (_, pools) => PoolView.Together(pools))
            .OrderBy(static pool => pool.Tenant, StringComparer.Ordinal).ThenBy(static pool => pool.IsRetiring)];

    /// <summary>All clients of tenants.</summary>
    public static async Task<List<ClientView>> ClientsAsync(this AdminScope scope, CancellationToken cancellationToken)
        => Sorted(await scope.AskAsync(ClientView.Of, cancellationToken).ConfigureAwait(false), static client => client.Tenant);

    /// <summary>All server connections.</summary>
    public static async Task<List<ServerView>> ServersAsync(this AdminScope scope, CancellationToken cancellationToken)
        => Sorted(await scope.AskAsync(ServerView.Of, cancellationToken).ConfigureAwait(false), static server => server.Tenant ?? "");

    /// <summary>How long ago a moment in Stopwatch ticks was; zero for none.</summary>
    public static TimeSpan Since(long ticks)
    {
        if (ticks == 0) return TimeSpan.Zero;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(ticks);
        return elapsed > TimeSpan.Zero ? elapsed : TimeSpan.Zero;
    }

    /// <summary>Backend roles by the names that tenants' users have them by.</summary>
    public static string RoleName(int role) => ((Tenancy.Model.UserRole)role).ToString().ToLowerInvariant();

    /// <summary>Reasons that pin, with commas.</summary>
    public static string PinNames(uint pins)
        => string.Join(',', Enum.GetValues<PinReason>().Where(reason => (pins & (1u << (int)reason)) != 0).Select(Options.EnumWords<PinReason>.Of));

    private static List<T> Sorted<T>(List<T>[] parts, Func<T, string> key) => [.. parts.SelectMany(static part => part).OrderBy(key, StringComparer.Ordinal)];
}
