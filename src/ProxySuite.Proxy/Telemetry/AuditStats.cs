using System.Collections.Concurrent;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Proxy.Telemetry;

/// <summary>What the last audit of each shard said; written now and then, read by the metrics page.</summary>
public sealed class AuditStats
{
    private readonly ConcurrentDictionary<string, AuditSummary?> _shards = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _answers = new(StringComparer.Ordinal);

    /// <summary>Shards that were asked, whether the last audit could be made, and the findings of the last one that could.</summary>
    public IEnumerable<(string Shard, bool Answers, AuditSummary? Findings)> All
        => _answers.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value, _shards.GetValueOrDefault(pair.Key)));

    public void Set(string shard, AuditSummary findings)
    {
        _shards[shard] = findings;
        _answers[shard] = true;
    }

    public void Fail(string shard) => _answers[shard] = false;

    /// <summary>Audits are switched off: what they said grows old.</summary>
    public void Clear()
    {
        _shards.Clear();
        _answers.Clear();
    }
}
