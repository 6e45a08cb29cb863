using System.Collections.Frozen;

namespace ProxySuite.Control.Audits;

/// <summary>Every kind of finding, and why it matters.</summary>
public static class AuditCodes
{
    private static readonly FrozenDictionary<string, string> Reasons = new Dictionary<string, string>
    {
        // Shared tables.
        ["NO_TENANT_COLUMN"] = "Tenants write into one table that cannot tell whose a row is: each reads and changes the others' rows.",
        ["SHARED_REFERENCE_TABLE"] = "All tenants read the same rows. Fine for reference data; a leak if any row belongs to one of them.",
        ["TENANT_COL_NULLABLE"] = "A row without a tenant belongs to nobody, and a policy written with OR or IS NULL shows it to all.",
        ["RLS_OFF"] = "Row security is off, so nothing in the engine keeps this table's rows apart.",
        ["RLS_OFF_UNREACHABLE"] = "Row security is off; the first GRANT to a tenant opens all rows to it.",
        ["NO_FORCE_RLS"] = "The table's owner is not bound by its policies, nor is any view or function that runs as the owner.",
        ["RLS_NO_POLICY"] = "Row security is on without a policy: nobody sees a row, and whoever switches it off for that opens all.",
        ["NO_TENANT_INDEX"] = "Every query of a tenant reads all tenants' rows to find its own: slow, and one tenant's size is another's time.",
        ["GLOBAL_UNIQUE"] = "Uniqueness is checked without row security: error 23505 tells a tenant that another has this value.",
        ["FK_WITHOUT_TENANT"] = "Foreign keys are checked without row security: a tenant can point at, and so learn of, rows of another.",
        ["CHECK_USES_GUC"] = "Such a check isolates nothing, as clients set the parameter, and makes restores and moves fail.",
        ["VIEW_NOT_INVOKER"] = "A view reads with its owner's rights unless it says security_invoker: policies are then asked for the owner, not for the tenant.",
        ["MATVIEW_REACHABLE"] = "Row security does not reach into materialized views: whoever may read it reads every row.",
        ["FOREIGN_TABLE_REACHABLE"] = "Row security does not reach into foreign tables, and the login behind it is not the tenant's.",
        ["SEQUENCE_SHARED"] = "SELECT shows how many rows all tenants together have made; UPDATE lets one set it back for all.",
        ["RULE_ON_TABLE"] = "A rule's actions run with the table owner's rights.",
        ["DEFINER_TRIGGER"] = "The trigger's function runs past row security, or can be made to call a client's own objects, whoever writes the row.",
        // Policies.
        ["POLICY_FORGEABLE"] = "A setting is no identity: any client can SET it, in more ways than a proxy can see.",
        ["POLICY_NOT_TENANT"] = "Permissive policies are ORed: one that does not name the tenant opens the table, whatever the others say.",
        ["POLICY_NO_WITH_CHECK"] = "What a tenant may write is then whatever it may read; one later change of USING changes both.",
        ["POLICY_PER_ROW"] = "Outside a sub-select the function runs once a row: 42 ms instead of 1 ms on 10,000 rows.",
        ["POLICY_HELPER_BAD"] = "The function that decides about rows answers for the wrong tenant, or calls what a client put in its way.",
        // Privileges and ownership.
        ["DANGEROUS_TABLE_PRIV"] = "TRUNCATE asks no policy, REFERENCES tells of other tenants' keys, TRIGGER runs a tenant's code as its neighbours.",
        ["PUBLIC_GRANT"] = "PUBLIC is every role of the cluster, tenants of other models included.",
        ["CROSS_TENANT_GRANT"] = "One tenant's own objects are granted to another tenant's role.",
        ["ROLE_OWNS"] = "An owner can switch row security off, drop policies and grant to anyone.",
        ["ROLE_OWNS_FUNCTION"] = "Whoever owns a function can change what others run.",
        ["SCHEMA_CREATE"] = "A tenant that creates objects in a schema that others use can put its own in front of theirs.",
        ["SCHEMA_USAGE"] = "Lockdown strict closes the shared schema to roles that are in no group of the pool.",
        ["DB_PRIV"] = "CREATE makes schemas; temporary tables can hide shared ones and stay behind on a server connection.",
        ["DATABASE_OPEN"] = "Another tenant may connect to this tenant's own database.",
        ["LANGUAGE_USAGE"] = "DO and CREATE FUNCTION run SQL that no statement filter sees.",
        ["BUILTIN_OPEN"] = "The lockdown closes it: settings, other sessions, locks, large objects or statistics of all tenants, or SQL text run inside a statement.",
        ["KEY_READABLE"] = "Who reads or changes this decides whose a session is.",
        ["CONTROL_REACHABLE"] = "The control plane's records tell of all tenants of the shard.",
        ["ROLE_MAP_WRONG"] = "Sessions of one tenant are taken for another's.",
        ["IDENTITY_FUNCTION"] = "Every policy rests on this function; as it is now a client can change its answer, or somebody else can change the function.",
        ["DEFAULT_ACL"] = "New objects are open to tenants from the moment they are made, before a policy can stand.",
        ["PARAMETER_GRANT"] = "The parameter is a superuser's for a reason: some switch triggers, limits or logging off.",
        // Roles.
        ["ROLE_BYPASS"] = "The role stands above policies, or can make roles that do.",
        ["ROLE_MEMBER_OF"] = "A session can become the other role with SET ROLE, or has its rights already.",
        ["POOL_MEMBERSHIP"] = "As the group a session is nobody's in particular, and whoever may hand the group on can let others at the shared tables.",
        ["SEALED_RELAXED"] = "Sealed tenants share a role; without lockdown strict they see each other's statements, and seals in them, and can end each other's sessions.",
        ["ROLE_GRANTED_TO"] = "Somebody outside the tenant may act as it.",
        ["ROLE_SETTINGS"] = "A setting kept with the role starts every session of it; on a shared role, of all its tenants.",
        ["CONNECTION_LIMIT"] = "Nothing but the proxies' own accounting keeps the tenant from taking all connections of the server.",
        ["ROLE_UNKNOWN"] = "A role named as a tenant's may log in, and the registry knows no such tenant here.",
        ["ROLE_LEFTOVER"] = "Left over from a tenant that is gone or has moved; it cannot log in.",
        ["ROLE_MISSING"] = "The registry has this tenant here, and the role that its users work as does not exist.",
        ["ROLE_LOGIN"] = "Whether the role may log in contradicts the tenant's state in the registry.",
        ["ROLE_PASSWORD"] = "The role's password is not the one that proxies use: the tenant is locked out, or somebody else can log in.",
        ["ROLE_PASSWORD_SLOW"] = "Each login of a proxy costs the server this many rounds, for a password that nobody can guess anyway.",
        ["ROLE_LIMIT"] = "The role's connection limit is not what its plan says.",
        ["REPLICATION_ROLE"] = "Whoever can log in as such a role reads the change stream, and outside a proxy the whole cluster's.",
        ["ROLE_NOT_MAPPED"] = "The identity function does not know the role: every query on a guarded table fails.",
        ["SCHEMA_MISSING"] = "The registry has this tenant here, and its schema does not exist.",
        ["DATABASE_MISSING"] = "The registry has this tenant here, and its database does not exist.",
        ["SCHEMA_LEFTOVER"] = "Data of a tenant that the registry does not know here.",
        ["LOCKDOWN"] = "The database is at another lockdown level than the registry says.",
        ["NOT_PREPARED"] = "The functions that tell whose a session is are missing or old: nothing else can be judged.",
        // Code and ways out.
        ["DEFINER_FUNCTION"] = "It runs with its owner's rights for any tenant that calls it: past grants, and for a superuser past policies.",
        ["LEAKPROOF_USER_FUNCTION"] = "LEAKPROOF lets a function see rows before row security has decided about them.",
        ["EXTENSION"] = "It offers tenants connections, statement texts, files or state that no isolation model covers.",
        ["EXTENSION_FUNCTION"] = "Its functions were not written to be run by people who do not trust each other.",
        ["EVENT_TRIGGER"] = "Its owner can run anything as the next superuser who changes a table.",
        ["FOREIGN_SERVER"] = "A tenant can open connections from the shard, with a login that is not its own.",
        ["PUBLICATION"] = "Whoever reads the change stream sees all tenants' rows: policies do not apply to it.",
        // The server.
        ["LARGE_OBJECT_OPEN"] = "Large objects are in no schema and under no policy: anyone who guesses the number reads it.",
        ["2PC_ENABLED"] = "A prepared transaction holds its locks over the session's end; a tenant can block others for ever.",
        ["HBA_TRUST"] = "Anyone at such an address logs in as any tenant without a password.",
        ["HBA_WEAK"] = "The password, or enough to find it, crosses the network.",
        ["HBA_ANYWHERE"] = "Tenants' roles are meant for the proxies alone; any machine may try to log in.",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IEnumerable<string> All => Reasons.Keys;

    /// <exception cref="KeyNotFoundException">No such code.</exception>
    public static string Why(string code) => Reasons[code];
}
