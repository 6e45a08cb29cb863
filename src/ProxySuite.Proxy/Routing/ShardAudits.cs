using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Proxy.Routing;

/// <summary>
/// Has every shard audit itself, at start and on a timer, and remembers what it said (Isolation:Audit). A shard that cannot be asked keeps its last
/// verdict: one that is down is no worse isolated than before.
/// </summary>
/// <param name="options">Options in force.</param>
/// <param name="registry">Which shards there are.</param>
/// <param name="ask">One shard's summary; <see cref="ShardAuditor.AskAsync"/> but in tests.</param>
/// <param name="stats">Where the metrics are kept.</param>
/// <param name="time">The clock between audits.</param>
/// <param name="logger">Says what changed, and why a shard cannot be audited.</param>
public sealed class ShardAudits(
    CurrentOptions options, ITenantRegistry registry, Func<Shard, CancellationToken, Task<AuditSummary>> ask, AuditStats stats, TimeProvider time, ILogger<ShardAudits> logger)
{
    private static readonly TimeSpan OffCheck = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<ShardId, AuditSummary> _verdicts = new();

    /// <summary>Whether logins to a shard are refused now. Any thread.</summary>
    public bool Refuses(ShardId shard)
        => options.Value.Isolation.Audit == AuditAction.Refuse && (!_verdicts.TryGetValue(shard, out AuditSummary verdict) || verdict.Critical > 0);

    /// <summary>Goes round until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            bool isOn = options.Value.Isolation.Audit != AuditAction.Off;
            if (isOn) await RoundAsync(cancellationToken).ConfigureAwait(false);
            else stats.Clear();
            await Task.Delay(isOn ? options.Value.Isolation.AuditInterval : OffCheck, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Audits every shard once.</summary>
    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Shard> shards;
        try
        {
            shards = await registry.ListShardsAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failed) when (failed is RegistryUnavailableException or RegistryDataException)
        {
            logger.AuditNotPossible("(all)", failed.Message);
            return;
        }
        catch (OperationCanceledException)
        {
            return;
        }
        foreach (Shard shard in shards) await AuditAsync(shard, cancellationToken).ConfigureAwait(false);
    }

    private async Task AuditAsync(Shard shard, CancellationToken cancellationToken)
    {
        try
        {
            AuditSummary verdict = await ask(shard, cancellationToken).ConfigureAwait(false);
            bool changed = !_verdicts.TryGetValue(shard.Id, out AuditSummary before) || before != verdict;
            _verdicts[shard.Id] = verdict;
            stats.Set(shard.Name, verdict);
            if (!changed) return;
            if (verdict.Critical > 0 || verdict.High > 0) logger.AuditFound(shard.Name, verdict.Critical, verdict.High, verdict.Medium, verdict.Low, shard.Name);
            else logger.AuditPassed(shard.Name, verdict.Medium, verdict.Low);
        }
        catch (Exception failed) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is, it is one shard's trouble: the others are still looked at, and this one again in the next round.
            stats.Fail(shard.Name);
            logger.AuditNotPossible(shard.Name, failed.Message);
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }
}
