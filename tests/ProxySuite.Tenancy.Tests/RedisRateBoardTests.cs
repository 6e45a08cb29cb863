using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Tests.Support;
using ProxySuite.Testing.Servers;
using StackExchange.Redis;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>The notice board of limits on a real Redis.</summary>
[Trait("Category", "Server")]
public sealed class RedisRateBoardTests : IAsyncLifetime
{
    private readonly TenantId _tenant = TenantId.New();
    private RedisServer _server = null!;
    private RedisLink _redis = null!;
    private RedisRateBoard _one = null!, _two = null!;

    public async Task InitializeAsync()
    {
        _server = await RedisServer.CreateAsync();
        _redis = Link();
        (_one, _two) = (new RedisRateBoard(_redis, "one"), new RedisRateBoard(_redis, "two"));
        await Settle.MustAsync(() => _redis.IsUp);
    }

    public async Task DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Each_proxy_reads_what_the_others_posted_and_not_its_own()
    {
        Assert.Empty(await PostAsync(_one, "1.5 0 0 0"));
        RateNote note = Assert.Single(await PostAsync(_two, "2.5 0 0 0"));
        Assert.Equal(("one", "1.5 0 0 0"), (note.Proxy, note.Line));
        Assert.InRange(note.Age, TimeSpan.Zero, TimeSpan.FromSeconds(9));
        Assert.Equal("2.5 0 0 0", Assert.Single(await PostAsync(_one, "3.5 0 0 0")).Line);
    }

    [Fact]
    public async Task Tenants_have_boards_of_their_own_and_are_answered_in_the_order_they_were_posted()
    {
        TenantId[] tenants = [.. Enumerable.Range(0, 20).Select(_ => TenantId.New())];
        await _one.ExchangeAsync([.. tenants.Select((tenant, index) => new RatePost(tenant, $"{index} 0 0 0", 1))], CancellationToken.None);
        IReadOnlyList<IReadOnlyList<RateNote>>? answers = await _two.ExchangeAsync([.. tenants.Reverse().Select(tenant => new RatePost(tenant, "0 0 0 0", 1))], CancellationToken.None);
        Assert.Equal(Enumerable.Range(0, 20).Reverse().Select(index => $"{index} 0 0 0"), answers!.Select(answer => Assert.Single(answer).Line));
    }

    [Fact]
    public async Task Operators_read_the_statements_of_the_last_minute_and_nothing_stays_for_ever()
    {
        await PostAsync(_one, "1 0 0 0", queries: 30);
        await PostAsync(_two, "1 0 0 0", queries: 12);
        await PostAsync(_two, "1 0 0 0", queries: 0);
        string counter = RedisRateBoard.CounterOf(_tenant);
        Assert.Equal($"proxysuite:rate:{_tenant}:queries", counter);
        Assert.Equal(42, await SumAsync(counter));
        Assert.InRange((await Database.KeyTimeToLiveAsync(counter))!.Value.TotalSeconds, 1, 70);
        Assert.InRange((await Database.KeyTimeToLiveAsync(RedisRateBoard.BoardOf(_tenant)))!.Value.TotalSeconds, 0, 10);
    }

    [Fact]
    public async Task Slots_over_a_minute_old_and_proxies_silent_for_ten_seconds_are_dropped()
    {
        await Database.HashSetAsync(RedisRateBoard.CounterOf(_tenant), [new HashEntry("1000000000", 500), new HashEntry("no slot", 7)]);
        await Database.HashSetAsync(RedisRateBoard.BoardOf(_tenant), [new HashEntry("dead", "1000000000000 9 0 0 0"), new HashEntry("strange", "no time at all")]);
        Assert.Empty(await PostAsync(_one, "1 0 0 0", queries: 3));
        Assert.Equal(3, await SumAsync(RedisRateBoard.CounterOf(_tenant)));
        Assert.Equal("one", Assert.Single(await Database.HashKeysAsync(RedisRateBoard.BoardOf(_tenant))));
    }

    [Fact]
    public async Task A_Redis_that_is_flushed_or_comes_back_empty_is_used_again_at_once()
    {
        await PostAsync(_one, "1 0 0 0");
        await Database.ScriptEvaluateAsync("return redis.call('FLUSHALL')");
        Assert.Empty(await PostAsync(_one, "1 0 0 0"));
        Assert.Single(await PostAsync(_two, "1 0 0 0"));
        await _server.StopAsync();
        await Settle.MustAsync(() => !_redis.IsUp);
        Assert.Null(await _one.ExchangeAsync([new RatePost(_tenant, "1 0 0 0", 1)], CancellationToken.None));
        await _server.StartAsync();
        // The script is unknown to it, as all else.
        await UntilAsync(async () => await _one.ExchangeAsync([new RatePost(_tenant, "1 0 0 0", 1)], CancellationToken.None) is not null);
        Assert.Single(await PostAsync(_two, "1 0 0 0"));
    }

    [Fact]
    public async Task A_Redis_that_does_not_answer_holds_nobody_for_long()
    {
        await PostAsync(_one, "1 0 0 0");
        _server.Freeze();
        Assert.Null(await _one.ExchangeAsync([new RatePost(_tenant, "1 0 0 0", 1)], CancellationToken.None));
        _server.Thaw();
        await UntilAsync(async () => await _one.ExchangeAsync([new RatePost(_tenant, "1 0 0 0", 1)], CancellationToken.None) is not null);
    }

    [Fact]
    public async Task A_key_of_another_type_is_as_a_board_that_is_away()
    {
        await Database.StringSetAsync(RedisRateBoard.BoardOf(_tenant), "x");
        Assert.Null(await _one.ExchangeAsync([new RatePost(_tenant, "1 0 0 0", 1)], CancellationToken.None));
    }

    private RedisLink Link() => new(_server.Configuration);

    private IDatabase Database => _redis.Database!;

    private async Task<IReadOnlyList<RateNote>> PostAsync(RedisRateBoard board, string line, long queries = 1)
        => Assert.Single((await board.ExchangeAsync([new RatePost(_tenant, line, queries)], CancellationToken.None))!);

    private async Task<long> SumAsync(string counter) => (await Database.HashValuesAsync(counter)).Sum(value => (long)value);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 300; i++)
        {
            if (await condition()) return;
            await Task.Delay(100);
        }
        Assert.Fail("it did not come about");
    }
}
