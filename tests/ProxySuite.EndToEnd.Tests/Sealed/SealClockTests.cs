using System.Globalization;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Sealed;

/// <summary>
/// Seals count for a minute around their issue, by the shard's clock: they are made anew in time, and clocks that differ, or step, cost some queries at most and give nobody another's rows.
/// The shard's clock is a function of the test's: what it says is the machine's time and a step.
/// </summary>
[Trait("Category", "Server")]
public sealed class SealClockTests
{
    /// <summary>The functions that the proxy and the policies ask for the time, with a step that can be changed for all sessions at once.</summary>
    private const string SteppedClock =
        """
        CREATE TABLE public.shard_clock (step interval NOT NULL);
        INSERT INTO public.shard_clock VALUES ('0');
        ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO machine_clock;
        ALTER FUNCTION pg_catalog.transaction_timestamp() RENAME TO machine_transaction_clock;
        CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$ BEGIN RETURN pg_catalog.machine_clock() + (SELECT step FROM public.shard_clock); END $$;
        CREATE FUNCTION pg_catalog.transaction_timestamp() RETURNS timestamptz LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$ BEGIN RETURN pg_catalog.machine_transaction_clock() + (SELECT step FROM public.shard_clock); END $$;
        GRANT EXECUTE ON FUNCTION pg_catalog.clock_timestamp(), pg_catalog.transaction_timestamp() TO PUBLIC;
        """;

    [Theory]
    [InlineData(15, "3 hours")]
    [InlineData(18, "-2 days")]
    public async Task A_shard_whose_clock_is_not_the_proxys_is_served_as_any_other(int version, string step)
    {
        await using SealedWorld world = await StartAsync(version, step);
        using RawClient ofA = await world.Proxyd.LoginRawAsync(world.Tenants[0]), ofB = await world.Proxyd.LoginRawAsync(world.Tenants[1]);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("seal1", await ofA.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            Assert.Equal("seal2", await ofB.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        }
        Assert.InRange(await AgeAsync(world, ofA), -5, 30);
    }

    [Theory]
    [InlineData("25 seconds")]
    [InlineData("-25 seconds")]
    public async Task A_step_that_is_smaller_than_the_window_fails_no_query(string step)
    {
        await using SealedWorld world = await StartAsync(18, "0");
        using RawClient ofA = await world.Proxyd.LoginRawAsync(world.Tenants[0]), ofB = await world.Proxyd.LoginRawAsync(world.Tenants[1]);
        Assert.Equal("seal1", await ofA.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        await StepAsync(world, step);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("seal1", await ofA.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            Assert.Equal("seal2", await ofB.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        }
    }

    /// <summary>Refused, never another's; and served again, by connections that know the time, before a seal's third of the window is over.</summary>
    [Theory]
    [InlineData(15, "10 minutes")]
    [InlineData(18, "-10 minutes")]
    public async Task A_step_beyond_the_window_is_refused_for_a_while_and_healed(int version, string step)
    {
        await using SealedWorld world = await StartAsync(version, "0");
        using RawClient witness = await world.Proxyd.LoginRawAsync(world.Tenants[0]);
        Assert.Equal("seal1", await witness.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
        await StepAsync(world, step);
        var refusals = new HashSet<string>();
        foreach (TestTenant tenant in world.Tenants)
        {
            RawClient client = await world.Proxyd.LoginRawAsync(tenant);
            try
            {
                long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
                while (true)
                {
                    Assert.True(Environment.TickCount64 < deadline, $"{tenant} is not served again: {string.Join(", ", refusals)}");
                    IReadOnlyList<WireMessage> answer = await client.QueryAsync("SELECT slug FROM whose", Proxyd.Patience);
                    if (answer.FirstOrDefault(message => message.Type == (char)BackendMessage.DataRow) is { } row)
                    {
                        Assert.Equal($"DataRow [\"{tenant.Slug}\"]", row.ToString());
                        break;
                    }
                    refusals.Add(answer.First(message => message.Type == (char)BackendMessage.ErrorResponse).ToString().Split('"')[0]);
                    if (answer[^1].Type == (char)BackendMessage.ReadyForQuery)
                    {
                        await Task.Delay(100);
                        continue;
                    }
                    client.Dispose();
                    client = await world.Proxyd.LoginRawAsync(tenant);
                }
            }
            finally
            {
                client.Dispose();
            }
        }
        Assert.All(refusals, refusal => Assert.True(refusal.Contains("42501", StringComparison.Ordinal) || refusal.Contains("57P03", StringComparison.Ordinal), refusal));
        // Of both there was one at least: the seal that the witness's server carried had become too old, or is of a time to come.
        Assert.NotEmpty(refusals);
    }

    /// <summary>A client that is never idle for long: its seal is made anew beside its queries.</summary>
    [Fact]
    public async Task A_seal_is_made_anew_before_it_is_old_and_no_query_fails()
    {
        await using SealedWorld world = await StartAsync(18, "0");
        using RawClient client = await world.Proxyd.LoginRawAsync(world.Tenants[0]);
        var seals = new HashSet<string>();
        long deadline = Environment.TickCount64 + 120_000;
        double oldest = 0;
        while (seals.Count < 2)
        {
            Assert.True(Environment.TickCount64 < deadline, "the seal was not made anew");
            Assert.Equal("seal1", await client.ScalarAsync("SELECT slug FROM whose", Proxyd.Patience));
            seals.Add((await client.ScalarAsync("SELECT current_setting('app.tenant_seal')", Proxyd.Patience))!);
            oldest = Math.Max(oldest, await AgeAsync(world, client));
            await Task.Delay(200);
        }
        // A third of the window, and what a busy machine adds.
        Assert.InRange(oldest, 10, 59);
    }

    private static async Task<SealedWorld> StartAsync(int version, string step)
    {
        SealedWorld world = await SealedWorld.StartAsync(version, shardConnections: 2, beforeProxyd: async server =>
        {
            await server.ExecuteAsync(SteppedClock);
            await server.ExecuteAsync($"UPDATE public.shard_clock SET step = '{step}'");
        });
        return world;
    }

    private static Task StepAsync(SealedWorld world, string step) => world.Server.ExecuteAsync($"UPDATE public.shard_clock SET step = '{step}'");

    /// <summary>Seconds since the session's seal was made, by the shard's clock.</summary>
    private static async Task<double> AgeAsync(SealedWorld world, RawClient client)
    {
        string seal = (await client.ScalarAsync("SELECT current_setting('app.tenant_seal')", Proxyd.Patience))!;
        return await world.Server.ScalarAsync<double>(string.Create(CultureInfo.InvariantCulture, $"SELECT extract(epoch FROM pg_catalog.clock_timestamp())::float8 - {seal.Split('.')[1]}"));
    }
}
