using System.Collections.Immutable;
using System.Globalization;
using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Shards;

/// <summary>How one thing that was looked at stands.</summary>
public enum CheckResult
{
    Fine,
    Advice, // works, and is worth a change
    Wrong,  // does not work, or will not
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Subject">Such as <c>shard s1</c>.</param>
/// <param name="What">What was looked at, such as <c>clock</c>.</param>
/// <param name="Found">What was found; no secrets.</param>
/// <param name="Advice">A sentence with what to do; null when it is fine.</param>
public sealed record CheckFinding(string Subject, string What, CheckResult Result, string Found, string? Advice = null);

/// <summary>Looks at a shard as it is now: reachable, prepared, locked down as the registry says, in time, and with room.</summary>
internal static class ShardCheck
{
    /// <summary>Clocks that differ by more make validity times, leases and seals mean different things.</summary>
    private static readonly TimeSpan SkewMax = TimeSpan.FromSeconds(2);

    private const string Facts =
        """
        SELECT to_regclass('proxysuite.schema_ledger') IS NOT NULL AND to_regclass('tenancy.lockdown_level') IS NOT NULL, clock_timestamp(), pg_is_in_recovery(),
          (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')::int,
          (SELECT coalesce(sum(pg_database_size(oid)), 0)::bigint FROM pg_database WHERE datallowconn),
          (SELECT count(*)::int FROM pg_replication_slots WHERE NOT active)
        """;

    public static async Task<ImmutableArray<CheckFinding>> RunAsync(ControlPlane control, ShardSummary summary, CancellationToken cancellationToken)
    {
        Shard shard = summary.Shard;
        string subject = $"shard {shard.Name}";
        var findings = ImmutableArray.CreateBuilder<CheckFinding>();
        NpgsqlConnection connection;
        try
        {
            connection = await new ShardConnections(shard).OpenSharedAsync(cancellationToken);
        }
        catch (ControlException away)
        {
            return [new CheckFinding(subject, "login", CheckResult.Wrong, away.Message, away.Hint)];
        }
        await using (connection)
        {
            try
            {
                Add("version", CheckResult.Fine, await ShardInspection.RequireFitAsync(connection, cancellationToken));
            }
            catch (ControlException unfit)
            {
                Add("version", CheckResult.Wrong, unfit.Message, unfit.Hint);
            }
            var before = DateTimeOffset.UtcNow;
            DateTimeOffset registry = await control.Store.ReadClockAsync(cancellationToken);
            TimeSpan asking = DateTimeOffset.UtcNow - before;
            (bool isPrepared, DateTimeOffset clock, int connections, int connectionsMax, long bytes, int idleSlots) = (await connection.QueryAsync(Facts, row =>
                (row.GetBoolean(0), row.GetFieldValue<DateTimeOffset>(1), row.GetInt32(3), row.GetInt32(4), row.GetInt64(5), row.GetInt32(6)), cancellationToken))[0];
            CheckPrepared(shard, isPrepared, Add);
            if (isPrepared) await CheckLockdownAsync(connection, shard, Add, cancellationToken);
            TimeSpan skew = (clock - registry).Duration();
            bool isInTime = skew < SkewMax + asking;
            Add("clock", isInTime ? CheckResult.Fine : CheckResult.Wrong, string.Create(CultureInfo.InvariantCulture, $"{skew.TotalSeconds:F1} s from the registry's"),
                isInTime ? null : "Keep all servers' clocks together (chrony, systemd-timesyncd).");
            CheckRoom(summary, connections, connectionsMax, bytes, idleSlots, Add);
            foreach (ShardSetting setting in await ShardInspection.ReadSettingsAsync(connection, shard, cancellationToken))
            {
                if (setting.Advice is not null) Add(setting.Name, CheckResult.Advice, setting.Value, setting.Advice);
            }
        }
        if (shard.ReplicaDsn is not null) await CheckReplicaAsync(shard, Add, cancellationToken);
        return findings.ToImmutable();

        void Add(string what, CheckResult result, string found, string? advice = null) => findings.Add(new CheckFinding(subject, what, result, found, advice));
    }

    private static void CheckPrepared(Shard shard, bool isPrepared, Action<string, CheckResult, string, string?> add)
    {
        bool isFine = isPrepared && shard.PreparedAt is not null;
        add("prepared", isFine ? CheckResult.Fine : CheckResult.Wrong, (isPrepared, shard.PreparedAt) switch
        {
            (true, not null) => "yes",
            (false, not null) => "the registry says so, the database does not",
            _ => "no",
        }, isFine ? null : $"Run: proxyctl shard prepare {shard.Name}");
    }

    private static async Task CheckLockdownAsync(NpgsqlConnection connection, Shard shard, Action<string, CheckResult, string, string?> add, CancellationToken cancellationToken)
    {
        string level = await connection.ScalarAsync<string>("SELECT level FROM tenancy.lockdown_level", cancellationToken) ?? "none";
        bool isSame = level == EnumText.Of(shard.Lockdown);
        add("lockdown", isSame ? CheckResult.Fine : CheckResult.Wrong, isSame ? level : $"{level}, while the registry says {EnumText.Of(shard.Lockdown)}",
            isSame ? null : $"Run: proxyctl shard prepare {shard.Name} --lockdown {EnumText.Of(shard.Lockdown)}");
    }

    private static void CheckRoom(ShardSummary summary, int connections, int connectionsMax, long bytes, int idleSlots, Action<string, CheckResult, string, string?> add)
    {
        Shard shard = summary.Shard;
        bool isFull = summary.TenantCount >= shard.TenantsMax;
        add("tenants", isFull ? CheckResult.Advice : CheckResult.Fine, string.Create(CultureInfo.InvariantCulture, $"{summary.TenantCount} of {shard.TenantsMax}"),
            isFull ? "It takes no more; add a shard, or raise --max-tenants with proxyctl shard set." : null);
        bool isCrowded = connections > connectionsMax * 9 / 10;
        add("connections", isCrowded ? CheckResult.Advice : CheckResult.Fine, string.Create(CultureInfo.InvariantCulture, $"{connections} of {connectionsMax}"),
            isCrowded ? "The server is nearly out of connections; see who holds them in pg_stat_activity." : null);
        add("size", CheckResult.Fine, Tenancy.Units.ByteSize.Format(bytes / 1024 * 1024), null);
        if (idleSlots > 0)
        {
            add("replication slots", CheckResult.Advice, string.Create(CultureInfo.InvariantCulture, $"{idleSlots} without a reader"),
                "Each keeps WAL for ever, or as long as max_slot_wal_keep_size lets it; drop those nobody needs.");
        }
    }

    private static async Task CheckReplicaAsync(Shard shard, Action<string, CheckResult, string, string?> add, CancellationToken cancellationToken)
    {
        try
        {
            // Any of its hosts; a replica is a standby, whatever the DSN's other hosts are.
            await using NpgsqlConnection replica = await new ShardConnections(shard with { AdminDsn = shard.ReplicaDsn }, anyHost: true).OpenSharedAsync(cancellationToken);
            bool isStandby = await replica.ScalarAsync<bool>("SELECT pg_is_in_recovery()", cancellationToken);
            add("replica", isStandby ? CheckResult.Fine : CheckResult.Wrong, isStandby ? "a standby" : "no standby", isStandby ? null : "Name standbys of this shard in its --replica DSN.");
        }
        catch (ControlException away)
        {
            add("replica", CheckResult.Wrong, away.Message, away.Hint);
        }
    }
}
