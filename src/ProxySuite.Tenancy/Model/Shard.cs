using System.Collections.Immutable;
using System.Globalization;

namespace ProxySuite.Tenancy.Model;

/// <summary>Number of a shard in its registry.</summary>
public readonly record struct ShardId(int Value)
{
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>How much a shard takes away from its tenants (design §4).</summary>
public enum Lockdown
{
    Relaxed, // ordinary applications work unchanged; only for tenants that each have a role of their own
    Strict,  // no dynamic SQL, temporary tables or advisory locks; required for sealed identities
}

/// <summary>Whether connections to a server are encrypted, spelled as libpq's <c>sslmode</c>.</summary>
public enum TlsMode
{
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// <summary>One PostgreSQL cluster that holds tenants, and its replicas.</summary>
public sealed record Shard
{
    public required ShardId Id { get; init; }

    /// <value>What people and metrics call it; unique in the registry.</value>
    public required string Name { get; init; }

    /// <value>Where the primary may be; more than one when the primary moves between them on failover.</value>
    public required ImmutableArray<ShardEndpoint> Primary { get; init; }

    /// <value>Where replicas are; empty for none.</value>
    public ImmutableArray<ShardEndpoint> Replicas { get; init; } = [];

    /// <value>The database that holds the tenants of the models <c>pool</c> and <c>schema</c>.</value>
    public required string Database { get; init; }

    public TlsMode Tls { get; init; } = TlsMode.Prefer;

    /// <value>Free text to choose shards by; empty for none.</value>
    public string Region { get; init; } = "";

    /// <value>Most tenants placed here; 1 to 100 000.</value>
    public int TenantsMax { get; init; } = 500;

    /// <value>Most server connections one proxy fleet opens here; 1 to 100 000.</value>
    public int ConnectionsMax { get; init; } = 200;

    public Lockdown Lockdown { get; init; } = Lockdown.Relaxed;

    /// <value>Whether new tenants may be placed here; a drained shard serves those it has.</value>
    public bool Accepting { get; init; } = true;

    /// <value>Number of the key that tenant contexts are sealed with; from 1, raised by a rotation.</value>
    public int SealKid { get; init; } = 1;

    /// <value>How the control plane logs in; null in what a proxy reads, which has no use for it and so never holds it.</value>
    public Dsn? AdminDsn { get; init; }

    /// <value>How the control plane reaches the replicas; null where there are none and in what a proxy reads.</value>
    public Dsn? ReplicaDsn { get; init; }

    /// <value>When <c>shard prepare</c> last succeeded; null for never, and in what a proxy reads. Tenants are placed on prepared shards only.</value>
    public DateTimeOffset? PreparedAt { get; init; }

    /// <value>Rises with every change of the shard.</value>
    public long Version { get; init; }
}
