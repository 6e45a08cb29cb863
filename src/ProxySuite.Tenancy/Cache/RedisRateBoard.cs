using System.Globalization;
using ProxySuite.Tenancy.Model;
using StackExchange.Redis;

namespace ProxySuite.Tenancy.Cache;

/// <summary>
/// The notice board in Redis. A tenant's board is the hash <c>proxysuite:rate:ID:proxies</c>, a field for each proxy with the time and its line; what operators
/// read is the hash <c>proxysuite:rate:ID:queries</c>, a field for each 5 s of the last minute with the statements that all proxies let through.
/// </summary>
public sealed class RedisRateBoard : IRateBoard
{
    /// <summary>How long a round of posts may take; it is made in the background, every tenth of a second.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    // Time is Redis's own, so that the proxies' clocks need not agree. A field is dropped when its proxy has been silent for ten seconds.
    private const string Script =
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s', now, ARGV[2]))
        redis.call('PEXPIRE', KEYS[1], 10000)
        local queries = tonumber(ARGV[3])
        if queries > 0 then
          local slot = time[1] - time[1] % 5
          if redis.call('HINCRBY', KEYS[2], string.format('%d', slot), queries) == queries then
            for _, old in ipairs(redis.call('HKEYS', KEYS[2])) do
              if tonumber(old) == nil or tonumber(old) <= slot - 60 then redis.call('HDEL', KEYS[2], old) end
            end
          end
          redis.call('PEXPIRE', KEYS[2], 70000)
        end
        local answer = {}
        local all = redis.call('HGETALL', KEYS[1])
        for i = 1, #all, 2 do
          local at, line = string.match(all[i + 1], '^(%d+) (.*)$')
          if at == nil or now - tonumber(at) > 10000 then
            redis.call('HDEL', KEYS[1], all[i])
          elseif all[i] ~= ARGV[1] then
            table.insert(answer, all[i])
            table.insert(answer, string.format('%d', now - tonumber(at)))
            table.insert(answer, line)
          end
        end
        return answer
        """;

    private readonly RedisLink _redis;
    private readonly string _self;

    /// <param name="redis">The connection; stays the caller's.</param>
    /// <param name="self">This proxy's id: no other's, also none that it had before.</param>
    public RedisRateBoard(RedisLink redis, string self)
    {
        _redis = redis;
        _self = self;
    }

    /// <summary>The board of a tenant: a hash by proxy.</summary>
    public static string BoardOf(TenantId tenant) => $"proxysuite:rate:{tenant}:proxies";

    /// <summary>The counter of a tenant: a hash by Unix time of a slot's start.</summary>
    public static string CounterOf(TenantId tenant) => $"proxysuite:rate:{tenant}:queries";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IReadOnlyList<RateNote>>?> ExchangeAsync(IReadOnlyList<RatePost> posts, CancellationToken cancellationToken)
    {
        if (_redis.Database is not { } database) return null;
        try
        {
            // All are sent before the first is awaited: one round trip.
            var answers = new Task<RedisResult>[posts.Count];
            for (int index = 0; index < answers.Length; index++)
            {
                RatePost post = posts[index];
                answers[index] = database.ScriptEvaluateAsync(Script, [BoardOf(post.Tenant), CounterOf(post.Tenant)], [_self, post.Line, post.Queries]);
            }
            Task<RedisResult[]> all = Task.WhenAll(answers);
            RedisResult[] results = await all.WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
            return [.. results.Select(Read)];
        }
        catch (Exception failed) when (failed is RedisException or TimeoutException or ObjectDisposedException or FormatException or InvalidCastException)
        {
            return null;
        }
    }

    private static IReadOnlyList<RateNote> Read(RedisResult result)
    {
        var parts = (RedisValue[])result!;
        var notes = new List<RateNote>(parts.Length / 3);
        for (int index = 0; index + 2 < parts.Length; index += 3)
        {
            double age = double.Parse((string)parts[index + 1]!, CultureInfo.InvariantCulture);
            notes.Add(new RateNote((string)parts[index]!, TimeSpan.FromMilliseconds(Math.Max(0, age)), (string)parts[index + 2]!));
        }
        return notes;
    }
}
