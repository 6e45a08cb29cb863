using System.Collections.Frozen;
using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Tenancy.Registry;

/// <summary>A tenant with plan, overrides, users and shard as one row, so that a look-up is one round trip.</summary>
internal static class TenantRow
{
    private const string TenantColumns =
        "t.id, t.slug, t.isolation, t.identity, t.state, t.suspend_reason, t.schema_name, coalesce(t.own_database, s.database_name), " +
        "t.placement_epoch, t.placement_state, t.credentials_epoch, t.created_at, t.version, u.names, u.roles, u.verifiers, u.valid_until, " +
        "u.previous, u.previous_until, t.suspended_until, t.delete_after, t.allowed_networks::text[], t.deleted_from";

    private const int PlanAt = 23;
    private static readonly int OverridesAt = PlanAt + PlanRow.ColumnCount;
    private static readonly int ShardAt = OverridesAt + PlanRow.OverrideColumnCount;

    public static readonly string Select =
        $"""
        SELECT {TenantColumns}, {PlanRow.Columns}, {PlanRow.OverrideColumns}, {ShardRow.Columns}
        FROM system.tenants t
        JOIN system.plans p ON p.name = t.plan
        JOIN system.shards s ON s.id = t.shard_id
        LEFT JOIN system.tenant_overrides o ON o.tenant_id = t.id
        CROSS JOIN LATERAL (
          SELECT array_agg(name) AS names, array_agg(role) AS roles, array_agg(verifier) AS verifiers, array_agg(valid_until) AS valid_until,
            array_agg(previous_verifier) AS previous, array_agg(previous_until) AS previous_until
          FROM system.tenant_users WHERE tenant_id = t.id) u
        """;

    /// <param name="reader">Stands on a row of <see cref="Select"/>.</param>
    /// <exception cref="FormatException">A value this version does not know.</exception>
    public static TenantEntry Read(NpgsqlDataReader reader)
    {
        Shard shard = ShardRow.Read(reader, ShardAt);
        var tenant = new Tenant
        {
            Id = new TenantId(reader.GetGuid(0)),
            Slug = TenantSlug.Parse(reader.GetString(1)),
            Isolation = EnumText.Parse<IsolationModel>(reader.GetString(2)),
            Identity = EnumText.Parse<TenantIdentity>(reader.GetString(3)),
            State = EnumText.Parse<TenantState>(reader.GetString(4)),
            SuspendReason = reader.IsDBNull(5) ? null : reader.GetString(5),
            Placement = new Placement(shard.Id, Epoch: reader.GetInt64(8), Database: reader.GetString(7), SchemaName: reader.GetString(6),
                EnumText.Parse<PlacementState>(reader.GetString(9))),
            CredentialsEpoch = reader.GetInt32(10),
            CreatedAt = reader.GetFieldValue<DateTimeOffset>(11),
            Version = reader.GetInt64(12),
            Users = ReadUsers(reader, 13),
            SuspendedUntil = reader.IsDBNull(19) ? null : reader.GetFieldValue<DateTimeOffset>(19),
            DeleteAfter = reader.IsDBNull(20) ? null : reader.GetFieldValue<DateTimeOffset>(20),
            AllowedAddresses = AddressList.Parse(reader.GetFieldValue<string[]>(21)),
            DeletedFrom = reader.IsDBNull(22) ? null : EnumText.Parse<TenantState>(reader.GetString(22)),
            Plan = PlanRow.ReadOverrides(reader, OverridesAt).Apply(PlanRow.Read(reader, PlanAt)),
        };
        return new TenantEntry(tenant, shard);
    }

    private static FrozenDictionary<string, TenantUser> ReadUsers(NpgsqlDataReader reader, int first)
    {
        if (reader.IsDBNull(first)) return FrozenDictionary<string, TenantUser>.Empty;
        string[] names = reader.GetFieldValue<string[]>(first);
        string[] roles = reader.GetFieldValue<string[]>(first + 1);
        string[] verifiers = reader.GetFieldValue<string[]>(first + 2);
        DateTime?[] validUntil = reader.GetFieldValue<DateTime?[]>(first + 3);
        string?[] previous = reader.GetFieldValue<string?[]>(first + 4);
        DateTime?[] previousUntil = reader.GetFieldValue<DateTime?[]>(first + 5);
        return names
            .Select((name, i) => new TenantUser(name, EnumText.Parse<UserRole>(roles[i]), PasswordVerifier.ReadStored(verifiers[i]), validUntil[i])
            {
                Previous = previous[i] is { } former ? PasswordVerifier.ReadStored(former) : null,
                PreviousUntil = previousUntil[i],
            })
            .ToFrozenDictionary(user => user.Name, StringComparer.Ordinal);
    }
}
