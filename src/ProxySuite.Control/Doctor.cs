using System.Collections.Immutable;
using System.Globalization;
using Npgsql;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control;

/// <summary>Looks at the whole installation: registry, master key, Redis, shards, proxies, and work that is not done.</summary>
public sealed class Doctor(ControlPlane control)
{
    /// <summary>Work that was cut off longer ago than this is not about to be finished by whoever began it.</summary>
    private static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(10);

    /// <param name="redis">Redis as the proxies have it; null for none.</param>
    public async Task<ImmutableArray<CheckFinding>> RunAsync(string? redis, CancellationToken cancellationToken)
    {
        var findings = ImmutableArray.CreateBuilder<CheckFinding>();
        control.Tell("registry", 0, 0);
        var before = DateTimeOffset.UtcNow;
        TimeSpan skew = (await control.Store.ReadClockAsync(cancellationToken) - before).Duration();
        findings.Add(new CheckFinding("registry", "version", CheckResult.Fine, RegistrySchema.NeededVersion.ToString(CultureInfo.InvariantCulture)));
        findings.Add(new CheckFinding("registry", "clock", skew < TimeSpan.FromSeconds(3) ? CheckResult.Fine : CheckResult.Wrong,
            string.Create(CultureInfo.InvariantCulture, $"{skew.TotalSeconds:F1} s from this machine's"), skew < TimeSpan.FromSeconds(3) ? null : "Keep all machines' clocks together."));
        if (redis is not null)
        {
            control.Tell("Redis", 0, 0);
            findings.Add(await CheckRedisAsync(redis, cancellationToken));
        }
        findings.Add(control.MasterKey is null
            ? new CheckFinding("master key", "file", CheckResult.Advice, "not given", "Give --master-key-file, and shards are asked whether they know this key.")
            : new CheckFinding("master key", "file", CheckResult.Fine, "readable, and by its owner alone"));
        IReadOnlyList<ShardSummary> shards = await control.Store.ListShardsAsync(cancellationToken);
        if (shards.Count == 0) findings.Add(new CheckFinding("shards", "number", CheckResult.Advice, "none", "Add one: proxyctl shard add NAME --primary DSN"));
        for (int i = 0; i < shards.Count; i++)
        {
            ShardSummary shard = shards[i];
            control.Tell($"shard {shard.Shard.Name}", i, shards.Count);
            findings.AddRange(await ShardCheck.RunAsync(control, shard, cancellationToken));
            if (control.MasterKey is { } key) findings.AddRange(await CheckKeyAsync(shard.Shard, key, cancellationToken));
        }
        control.Tell("proxies", 0, 0);
        findings.AddRange(await CheckProxiesAsync(cancellationToken));
        control.Tell("jobs", 0, 0);
        findings.AddRange(await CheckJobsAsync(cancellationToken));
        return findings.ToImmutable();
    }

    private static async Task<CheckFinding> CheckRedisAsync(string configuration, CancellationToken cancellationToken)
    {
        if (RedisLink.WhyRefused(configuration) is { } reason) return new CheckFinding("redis", "configuration", CheckResult.Wrong, reason, "Write it as redis1:6379,redis2:6379,password=….");
        await using var link = new RedisLink(configuration);
        for (int i = 0; i < 60 && !link.IsUp; i++) await Task.Delay(50, cancellationToken);
        return link.IsUp
            ? new CheckFinding("redis", "connection", CheckResult.Fine, "answers")
            : new CheckFinding("redis", "connection", CheckResult.Wrong, "does not answer", "Proxies go on without it; see that it runs and that its password is right.");
    }

    private static async Task<ImmutableArray<CheckFinding>> CheckKeyAsync(Shard shard, MasterKey key, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection = await new ShardConnections(shard).OpenSharedAsync(cancellationToken);
            if (!await connection.ScalarAsync<bool>("SELECT to_regclass('proxysuite.master_key') IS NOT NULL", cancellationToken)) return [];
            string? known = await connection.ScalarAsync<string>("SELECT fingerprint FROM proxysuite.master_key", cancellationToken);
            if (known is null) return [];
            return [known == Provisioning.MasterKeyGuard.FingerprintOf(key)
                ? new CheckFinding($"shard {shard.Name}", "master key", CheckResult.Fine, "its tenants were made with this one")
                : new CheckFinding($"shard {shard.Name}", "master key", CheckResult.Wrong, "its tenants were made with another one", "Proxies with this key cannot log in there; find the right file.")];
        }
        catch (ControlException)
        {
            return []; // said already
        }
    }

    private async Task<IEnumerable<CheckFinding>> CheckProxiesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ProxyRecord> proxies = await control.Store.ListProxiesAsync(cancellationToken);
        if (proxies.Count == 0) return [new CheckFinding("proxies", "number", CheckResult.Advice, "none has said that it lives", "Start proxyd with this registry.")];
        return proxies.Select(proxy => new CheckFinding($"proxy {proxy.Name}", "heartbeat", proxy.IsAlive ? CheckResult.Fine : CheckResult.Wrong,
            string.Create(CultureInfo.InvariantCulture, $"{proxy.Silence.TotalSeconds:F0} s ago"),
            proxy.IsAlive ? null : "It is gone without a good-bye, or does not reach the registry."));
    }

    private async Task<IEnumerable<CheckFinding>> CheckJobsAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Job> open = await control.Store.ListJobsAsync(openOnly: true, limit: 10_000, cancellationToken);
        DateTimeOffset now = await control.Store.ReadClockAsync(cancellationToken);
        Job[] stuck = [.. open.Where(job => (job.LeaseUntil ?? job.RunAfter) < now - StuckAfter)];
        return stuck.Length == 0
            ? [new CheckFinding("jobs", "open", CheckResult.Fine, string.Create(CultureInfo.InvariantCulture, $"{open.Count}, none overdue"))]
            : stuck.Select(job => new CheckFinding("jobs", job.Kind, CheckResult.Wrong, $"{job.Subject}: {job.LastError ?? "cut off"}", "Run: proxyctl work --once"));
    }
}
