using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace ProxySuite.Tenancy.Cache;

/// <summary>
/// Hears of changes from the registry and from Redis, and passes what the registry announces on to Redis: once for all proxies, whichever hears it first. So a proxy
/// whose own connection to the registry is broken hears of it, too, and what Redis holds of a changed tenant is gone.
/// </summary>
public sealed class RedisInvalidation : IInvalidationSource
{
    /// <summary>Where changes are published, in the form of <see cref="Invalidation"/>.</summary>
    public const string Channel = "proxysuite:invalidate";

    // An announcement is published once: the first to enter it does that. Of a tenant an older entry goes as well; a proxy that holds the tenant stores the new one.
    private const string AnnounceScript =
        """
        if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', '60') then return 0 end
        if KEYS[2] then
          local found = redis.call('GET', KEYS[2])
          local tenant = found and string.match(found, '^ps1 %S+ %d+ (%d+) %d+\n')
          if found and not (tenant and tonumber(tenant) >= tonumber(ARGV[2])) then redis.call('DEL', KEYS[2]) end
        end
        redis.call('PUBLISH', 'proxysuite:invalidate', ARGV[1])
        return 1
        """;

    private readonly IInvalidationSource _registry;
    private readonly RedisLink _redis;
    private readonly ILogger _logger;

    /// <param name="registry">What announces changes at their source.</param>
    /// <param name="redis">The connection; stays the caller's.</param>
    /// <param name="logger">Hears of announcements that make no sense.</param>
    public RedisInvalidation(IInvalidationSource registry, RedisLink redis, ILogger<RedisInvalidation>? logger = null)
    {
        _registry = registry;
        _redis = redis;
        _logger = logger ?? NullLogger<RedisInvalidation>.Instance;
    }

    /// <inheritdoc/>
    public async Task RunAsync(IInvalidationSink sink, CancellationToken cancellationToken)
    {
        // The library subscribes again by itself when its connection is back; what was published meanwhile is lost, so everything is compared.
        int subscribed = 0;
        Action restored = () => _ = Task.Run(() => SubscribeAsync(sink, () => Interlocked.Exchange(ref subscribed, 1) == 0), CancellationToken.None);
        _redis.Restored += restored;
        if (_redis.IsUp) restored();
        try
        {
            await _registry.RunAsync(new Relay(sink, this), cancellationToken);
        }
        finally
        {
            _redis.Restored -= restored;
            if (_redis.Connection is { } connection) RedisTenantCache.Forget(connection.GetSubscriber().UnsubscribeAllAsync(CommandFlags.FireAndForget));
        }
    }

    private async Task SubscribeAsync(IInvalidationSink sink, Func<bool> isFirst)
    {
        try
        {
            if (isFirst()) await _redis.Connection!.GetSubscriber().SubscribeAsync(Channel, (_, message) => Deliver(sink, message));
            sink.Resynchronize();
        }
        catch (Exception failed) when (RedisTenantCache.IsAway(failed))
        {
            // Gone again; the registry's own announcements go on, and the next connection tries anew.
        }
    }

    private void Deliver(IInvalidationSink sink, RedisValue message)
    {
        if (message.HasValue && Invalidation.TryParse(message!, out Invalidation change)) sink.Invalidate(change);
        else _logger.AnnouncementUnknown("from Redis");
    }

    private void Publish(Invalidation change)
    {
        if (_redis.Database is not { } database) return;
        string text = change.ToString();
        RedisKey[] keys = change.Kind == InvalidationKind.Tenant
            ? [$"proxysuite:announced:{text}", RedisTenantCache.KeyOf(change.Name)]
            : [$"proxysuite:announced:{text}"];
        try
        {
            RedisTenantCache.Forget(database.ScriptEvaluateAsync(AnnounceScript, keys,
                [text, change.Version.ToString(System.Globalization.CultureInfo.InvariantCulture)], CommandFlags.FireAndForget));
        }
        catch (Exception failed) when (RedisTenantCache.IsAway(failed))
        {
            // The others hear of it from the registry.
        }
    }

    private sealed class Relay(IInvalidationSink sink, RedisInvalidation redis) : IInvalidationSink
    {
        public void Invalidate(Invalidation change)
        {
            sink.Invalidate(change);
            redis.Publish(change);
        }

        public void Resynchronize() => sink.Resynchronize();
    }
}
