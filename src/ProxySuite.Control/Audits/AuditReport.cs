using System.Collections.Immutable;

namespace ProxySuite.Control.Audits;

/// <summary>What an audit looked at and found, worst first.</summary>
public sealed record AuditReport(ImmutableArray<AuditedShard> Shards, ImmutableArray<AuditFinding> Findings)
{
    public int Count(Severity severity) => Findings.Count(finding => finding.Severity == severity);
}

/// <summary>One shard of an audit.</summary>
/// <param name="Databases">How many of its databases were read: the shared one, and one for each tenant of the database model.</param>
public sealed record AuditedShard(string Shard, int Tenants, int Databases, TimeSpan Elapsed);
