using System.Collections.Immutable;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Shards;

/// <summary>What was found on a shard that was prepared.</summary>
/// <param name="ServerVersion">As the server prints it, for example <c>15.20 (Debian 15.20-0+deb12u1)</c>.</param>
/// <param name="HostRules">Lines for the shard's pg_hba.conf, in order.</param>
public sealed record ShardReport(
    string Shard, string ServerVersion, Lockdown Lockdown, ImmutableArray<ShardSetting> Settings, ImmutableArray<string> HostRules);

/// <summary>One setting of the server that ProxySuite has an opinion on.</summary>
/// <param name="Advice">What to change and what for; null when it is fine as it is.</param>
public sealed record ShardSetting(string Name, string Value, string? Advice);
