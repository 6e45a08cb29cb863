using System.Security.Cryptography;
using System.Text;

namespace ProxySuite.Tenancy.Model;

/// <summary>
/// Names on a shard, derived from the tenant's id alone: 34 to 39 characters of [a-z0-9_], so they need no quotes and never meet the
/// 63-byte limit, and a renamed tenant keeps its objects.
/// </summary>
public static class BackendNames
{
    /// <summary>Where the shared tables of the pool model lie, and a database-model tenant's own.</summary>
    public const string SharedSchema = "public";

    /// <summary>The login role for users of one role: <c>t_&lt;hex&gt;</c> app, <c>t_&lt;hex&gt;_o</c> owner, <c>t_&lt;hex&gt;_r</c> readonly.</summary>
    public static string Role(TenantId id, UserRole role) => role switch
    {
        UserRole.App => $"t_{id.ToString("N")}",
        UserRole.Owner => $"t_{id.ToString("N")}_o",
        UserRole.Readonly => $"t_{id.ToString("N")}_r",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "not a role"),
    };

    /// <summary>The login role of replication connections, in the database model and where the plan allows them: <c>t_&lt;hex&gt;_repl</c>.</summary>
    public static string ReplicationRole(TenantId id) => $"t_{id.ToString("N")}_repl";

    /// <summary>
    /// In front of the names of a tenant's replication slots, as these are the cluster's: 12 characters of [a-v0-9] that follow from the id, and an underscore. 60 bits: among the 1,000 tenants of a
    /// shard two meet with a probability of 4 in 10^13, and 50 of 63 bytes are left for the name that a subscriber makes for itself.
    /// </summary>
    public static string SlotPrefix(TenantId id)
    {
        const string Letters = "abcdefghijklmnopqrstuv0123456789";
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"replication slots of {id.ToString("N")}"));
        ulong bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
        return string.Create(13, bits, static (name, left) =>
        {
            for (int i = 0; i < 12; i++, left >>= 5) name[i] = Letters[(int)(left & 31)];
            name[12] = '_';
        });
    }

    /// <summary>Epoch of the passwords of <see cref="SealedRole"/>s: they belong to no tenant whose credentials could change.</summary>
    public const int SealedPasswordEpoch = 1;

    /// <summary>
    /// The login role that all sealed tenants of a shard share, by user role: <c>s_&lt;hex&gt;</c> app, <c>s_&lt;hex&gt;_r</c> readonly. Named after the shard and
    /// its database, as two shards may be databases of one cluster, and roles are the cluster's.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Owner: shared tables belong to no tenant's user.</exception>
    public static string SealedRole(Shard shard, UserRole role)
    {
        string stem = "s_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{shard.Name}\0{shard.Database}")).AsSpan(0, 8));
        return role switch
        {
            UserRole.App => stem,
            UserRole.Readonly => stem + "_r",
            _ => throw new ArgumentOutOfRangeException(nameof(role), role, "sealed tenants have no such role"),
        };
    }

    /// <summary>The tenant's own schema, in the schema model.</summary>
    public static string Schema(TenantId id) => $"tenant_{id.ToString("N")}";

    /// <summary>The tenant's own database, in the database model.</summary>
    public static string Database(TenantId id) => $"tenant_{id.ToString("N")}";

    /// <summary>The schema that holds the tenant's tables in a given model.</summary>
    public static string SchemaFor(TenantId id, IsolationModel isolation) => isolation == IsolationModel.Schema ? Schema(id) : SharedSchema;

    /// <summary>The database that holds the tenant's tables in a given model, on a shard with the given shared database.</summary>
    public static string DatabaseFor(TenantId id, IsolationModel isolation, string shardDatabase)
        => isolation == IsolationModel.Database ? Database(id) : shardDatabase;
}
