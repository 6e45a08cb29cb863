using ProxySuite.Testing.Protocol;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>What does reach a neighbour, or goes beyond a plan, on a relaxed shard: listed with its reason, and never counted as held. Strict shards leave the first alone.</summary>
/// <param name="Attack">Carried out like any other; what it does is printed.</param>
/// <param name="Why">Why it is so and what helps.</param>
internal sealed record KnownLimit(Attack Attack, string Why)
{
    public static IEnumerable<KnownLimit> All(Stage stage)
    {
        yield return new(new("that a neighbour exists: its role, schema or database", "ok", async duel =>
        {
            RawClient attacker = await duel.AttackerAsync();
            if (await attacker.ScalarAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{stage.Victim.Role}'") != "0") duel.Harm.Add("the role is in pg_roles");
        }), "PostgreSQL's catalogs are readable by all. Names are ids made by chance and say nothing of slug, user or plan.");
        yield return new(new("session advisory locks of one database", "ok", async duel =>
        {
            await duel.SayAsync("SELECT pg_advisory_lock(4242)");
            if (duel.Outcome == "ok") await duel.MeanwhileVictimGetsAsync("t", "SELECT pg_try_advisory_xact_lock(4242)");
        }), "One name space a database, and migration tools need them. Strict shards revoke the functions; the database model has a name space of its own.");
        yield return new(new("how many rows of others an estimate takes in", "ok", async duel =>
        {
            RawClient attacker = await duel.AttackerAsync();
            string? common = await PlanAsync(attacker, "common"), rare = await PlanAsync(attacker, "rare");
            if (common != rare) duel.Harm.Add($"EXPLAIN says {common} and {rare}");
        }), "Statistics are gathered over shared tables as a whole. Strict shards refuse EXPLAIN in the pool model; the other models share no tables.");
        yield return new(new("work_mem raised by dynamic SQL for one's own session", "ok", async duel =>
        {
            await duel.SayAsync("BEGIN", "DO $$ BEGIN EXECUTE 'SE' || 'T work_mem = ''1GB'''; END $$");
            await duel.IsWithinPlanNowAsync("work_mem");
        }), "No privilege guards it, and no proxy sees it. Strict shards have no dynamic SQL; the session is reset before anyone else gets it; statement time holds all the same.");
    }

    private static async Task<string?> PlanAsync(RawClient client, string body)
    {
        await client.SendAsync(Query($"EXPLAIN SELECT 1 FROM notes WHERE body = '{body}'"));
        IReadOnlyList<WireMessage> plan = await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery);
        return string.Concat(plan.Where(message => message.Type == 'D').Select(message => message.ToString()).Where(line => line.Contains("rows=", StringComparison.Ordinal)))
            .Replace("common", "", StringComparison.Ordinal).Replace("rare", "", StringComparison.Ordinal);
    }
}
