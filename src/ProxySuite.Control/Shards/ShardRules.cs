using System.Text.RegularExpressions;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Shards;

/// <summary>What a shard may be called, and what it may be asked to hold.</summary>
internal static partial class ShardRules
{
    /// <returns>Null when it may be.</returns>
    public static string? WhyRefused(NewShard shard) => ShardName().IsMatch(shard.Name) ? WhyRefused(shard.Region, shard.TenantsMax, shard.ConnectionsMax)
        : $"\"{shard.Name}\" is no shard name: 1 to 63 lower-case letters, digits, '-' and '_', a letter or digit first";

    /// <summary>For each what is asked for; null for nothing.</summary>
    /// <inheritdoc cref="WhyRefused(NewShard)" path="/returns"/>
    public static string? WhyRefused(string? region, int? tenantsMax, int? connectionsMax) => (region, tenantsMax, connectionsMax) switch
    {
        ({ } name, _, _) when !RegionName().IsMatch(name) => $"\"{name}\" is no region: up to 63 letters, digits, '.', '-' and '_'",
        (_, < 1 or > 100_000, _) => $"a shard holds 1 to 100000 tenants, not {tenantsMax}",
        (_, _, < 1 or > 100_000) => $"a shard takes 1 to 100000 connections, not {connectionsMax}",
        _ => null,
    };

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,62}\z")]
    private static partial Regex ShardName();

    [GeneratedRegex(@"^[A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex RegionName();
}
