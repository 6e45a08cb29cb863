using System.Globalization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using StackExchange.Redis;

namespace ProxySuite.Tenancy.Cache;

/// <summary>Tenants in Redis under <c>proxysuite:tenant:SLUG</c>, each sealed with the master key.</summary>
public sealed class RedisTenantCache : ISharedTenantCache
{
    /// <summary>How long a look-up waits for Redis: many times what it takes (below 1 ms), little against a login.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    /// <summary>After an answer that did not come, how long Redis is not asked.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Two proxies may write one tenant at a time, and one of them may have read before the change that the other one saw.
    private const string StoreScript =
        """
        local found = redis.call('GET', KEYS[1])
        if found then
          local tenant, rest = string.match(found, '^ps1 %S+ %d+ (%d+) (%d+)\n')
          if tenant and (tonumber(tenant) > tonumber(ARGV[2]) or (tonumber(tenant) == tonumber(ARGV[2]) and tonumber(rest) >= tonumber(ARGV[3]))) then return 0 end
        end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
        return 1
        """;

    private readonly RedisLink _redis;
    private readonly SealedEntry _seal;
    private readonly TenantDirectoryOptions _options;
    private readonly TimeProvider _time;
    private long _pausedUntil;

    /// <param name="redis">The connection; stays the caller's.</param>
    /// <param name="master">What entries are sealed with.</param>
    /// <param name="options">Times to live, the same as in memory.</param>
    /// <param name="time">The clock.</param>
    public RedisTenantCache(RedisLink redis, MasterKey master, TenantDirectoryOptions? options = null, TimeProvider? time = null)
    {
        _redis = redis;
        _seal = new SealedEntry(master);
        _options = options ?? new TenantDirectoryOptions();
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The key of a tenant.</summary>
    public static string KeyOf(string slug) => $"proxysuite:tenant:{slug}";

    /// <inheritdoc/>
    public async ValueTask<TenantEntry?> FindAsync(TenantSlug slug, CancellationToken cancellationToken)
    {
        if (_time.GetTimestamp() < Volatile.Read(ref _pausedUntil) || _redis.Database is not { } database) return null;
        byte[]? value;
        try
        {
            value = await database.StringGetAsync(KeyOf(slug.Value)).WaitAsync(Patience, cancellationToken);
        }
        catch (Exception failed) when (IsAway(failed))
        {
            Volatile.Write(ref _pausedUntil, _time.GetTimestamp() + (long)(Pause.TotalSeconds * _time.TimestampFrequency));
            return null;
        }
        if (value is null) return null;
        switch (_seal.TryOpen(slug, value, _time.GetUtcNow(), _options.TimeToLive, out TenantEntry? entry))
        {
            case SealState.Open:
                return entry;
            case SealState.Broken:
                // In the way of a good one, with whatever versions it claims.
                Forget(database.KeyDeleteAsync(KeyOf(slug.Value), CommandFlags.FireAndForget));
                return null;
            default:
                return null;
        }
    }

    /// <inheritdoc/>
    public void Store(TenantEntry entry)
    {
        if (_redis.Database is not { } database) return;
        EntryStamp stamp = EntryStamp.Of(entry);
        TimeSpan timeToLive = entry.Tenant.Placement.State == PlacementState.Active ? _options.TimeToLive : _options.MovingTimeToLive;
        RedisValue[] arguments = [_seal.Seal(entry, _time.GetUtcNow()), Number(stamp.Tenant), Number(stamp.Rest), Number((long)timeToLive.TotalMilliseconds)];
        try
        {
            Forget(database.ScriptEvaluateAsync(StoreScript, [KeyOf(entry.Tenant.Slug.Value)], arguments, CommandFlags.FireAndForget));
        }
        catch (Exception failed) when (IsAway(failed))
        {
            // The next look-up finds nothing and asks the registry.
        }
    }

    /// <summary>Whether an exception says that Redis is not there, or not well.</summary>
    internal static bool IsAway(Exception failed)
        => failed is RedisException or TimeoutException or ObjectDisposedException or System.Net.Sockets.SocketException or IOException;

    /// <summary>Lets go of a command whose outcome nobody waits for; its failure is looked at, so that it does not come up as unobserved.</summary>
    internal static void Forget(Task task) => task.ContinueWith(static done => _ = done.Exception, CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private static RedisValue Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
