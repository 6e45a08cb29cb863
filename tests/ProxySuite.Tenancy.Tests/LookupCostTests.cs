using System.Diagnostics;
using System.Globalization;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Tenancy.Tests.Support;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

/// <summary>What a look-up costs from memory, Redis and the registry. An ordinary run asks for zero bytes from memory; <c>bench/load/lookup/run.sh</c> prints the times.</summary>
[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class LookupCostTests(RegistryDatabases databases)
{
    private static readonly string? ReportFile = Environment.GetEnvironmentVariable("LOOKUP_REPORT") is { Length: > 0 } path ? path : null;

    [Fact]
    public async Task A_known_tenant_costs_nothing_but_a_moment()
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        for (int i = 0; i < 20; i++) await world.AddTenantAsync($"t{i}");
        var directory = new TenantDirectory(world.Reader);
        TenantSlug slug = TenantSlug.Parse("t1");
        Assert.Equal(LookupOutcome.Found, (await directory.GetAsync(slug)).Outcome);
        byte[] name = "t1"u8.ToArray();
        int rounds = ReportFile is null ? 20_000 : 5_000_000;
        Hit(directory, name, 10_000);
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        Hit(directory, name, rounds);
        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds / rounds;
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        Assert.Equal(0, bytes);
        if (ReportFile is null) return;

        await using RedisServer redis = await RedisServer.CreateAsync();
        await using var link = new RedisLink(redis.Configuration);
        await Settle.MustAsync(() => link.IsUp);
        var shared = new RedisTenantCache(link, MasterKey.FromBytes("0123456789abcdef0123456789abcdef"u8));
        await new TenantDirectory(world.Reader, shared: shared).GetAsync(slug);
        await Settle.MustAsync(() => shared.FindAsync(slug, CancellationToken.None).AsTask().Result is not null);
        double redisMicroseconds = await TimeAsync(1000, async () => Assert.NotNull(await shared.FindAsync(slug, CancellationToken.None)));
        double registryMicroseconds = await TimeAsync(1000, async () => Assert.NotNull(await world.Reader.FindTenantAsync(slug, CancellationToken.None)));
        await File.AppendAllLinesAsync(ReportFile,
        [
            string.Create(CultureInfo.InvariantCulture, $"memory        {nanoseconds,8:F1} ns   {bytes / (double)rounds:F0} bytes   promised 0 bytes"),
            string.Create(CultureInfo.InvariantCulture, $"Redis         {redisMicroseconds,8:F1} us   one at a time, opened and read"),
            string.Create(CultureInfo.InvariantCulture, $"PostgreSQL    {registryMicroseconds,8:F1} us   one at a time"),
        ]);
    }

    [Theory, InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task A_thousand_callers_at_once_for_one_unknown_tenant_make_one_look_up(bool withRedis, bool isSlow)
    {
        await using RegistryWorld world = await RegistryWorld.WithShardsAsync(databases);
        await using RedisServer? redis = withRedis ? await RedisServer.CreateAsync() : null;
        await using RedisLink? link = redis is null ? null : new RedisLink(redis.Configuration);
        if (link is not null) await Settle.MustAsync(() => link.IsUp);
        var directory = new TenantDirectory(world.Reader, shared: link is null ? null : new RedisTenantCache(link, MasterKey.FromBytes("0123456789abcdef0123456789abcdef"u8)));
        TenantSlug slug = TenantSlug.Parse("nobody");
        long start = Stopwatch.GetTimestamp();
        await using (Npgsql.NpgsqlConnection holder = await world.Database.OpenConnectionAsync())
        {
            // Whoever asks waits for the lock, as for a server that is overloaded.
            await using Npgsql.NpgsqlTransaction? held = isSlow ? await holder.BeginTransactionAsync() : null;
            if (held is not null)
            {
                await using var take = new Npgsql.NpgsqlCommand("LOCK TABLE system.tenants IN ACCESS EXCLUSIVE MODE", holder);
                await take.ExecuteNonQueryAsync();
            }
            Task<TenantLookup>[] callers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(() => directory.GetAsync(slug).AsTask()))];
            if (held is not null)
            {
                await Task.Delay(500);
                Assert.All(callers, caller => Assert.False(caller.IsCompleted));
                await held.CommitAsync();
            }
            Assert.All(await Task.WhenAll(callers), answer => Assert.Equal(LookupOutcome.Unknown, answer.Outcome));
        }
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.Equal(LookupOutcome.Unknown, (await directory.GetAsync(slug)).Outcome);
        Assert.Equal(1, directory.Counters.Registry);
        if (ReportFile is null) return;
        string where = $"{(withRedis ? "with Redis" : "without Redis")}, registry {(isSlow ? "held up for 500 ms" : "at ease")}";
        await File.AppendAllLinesAsync(ReportFile, [string.Create(CultureInfo.InvariantCulture,
            $"1000 callers, one unknown slug, {where,-48} {directory.Counters.Registry} look-up   promised 1   ({took.TotalMilliseconds,6:F1} ms for all)")]);
    }

    private static void Hit(TenantDirectory directory, byte[] name, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            if (!directory.TryGet(name, out _)) throw new InvalidOperationException("not known");
        }
    }

    private static async Task<double> TimeAsync(int rounds, Func<Task> work)
    {
        for (int i = 0; i < 20; i++) await work();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < rounds; i++) await work();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / rounds;
    }
}
