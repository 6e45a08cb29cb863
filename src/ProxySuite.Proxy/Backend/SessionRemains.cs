namespace ProxySuite.Proxy.Backend;

/// <summary>What a server says is left in its session beyond the end of its transactions.</summary>
[Flags]
internal enum SessionRemains : byte
{
    None = 0,
    TempObjects = 1 << 0,
    HeldCursors = 1 << 1,
    AdvisoryLocks = 1 << 2,
    PreparedBySql = 1 << 3,
    Channels = 1 << 4,

    /// <summary>SET ROLE or SET SESSION AUTHORIZATION is in force.</summary>
    Identity = 1 << 5,
}

/// <summary>
/// The question for it: a statement for each flag, in the flags' order, that gives a row when there is such state. The rows are never read: their number is in the
/// statement's tag.
/// </summary>
internal static class SessionProbe
{
    /// <summary>Number of statements.</summary>
    public const int Count = 6;

    // Every name is PostgreSQL's own, whatever search_path the client has set. Objects in a temporary schema depend on it, which has an index.
    public static ReadOnlySpan<byte> Sql =>
        """
        SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) 2615 AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() LIMIT 1;
        SELECT FROM pg_catalog.pg_cursors WHERE is_holdable LIMIT 1;
        SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() LIMIT 1;
        SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql LIMIT 1;
        SELECT FROM pg_catalog.pg_listening_channels() LIMIT 1;
        SELECT WHERE current_user OPERATOR(pg_catalog.<>) session_user
        """u8;

    /// <summary>True when a statement gave a row.</summary>
    /// <param name="tag">Body of its CommandComplete.</param>
    public static bool HasRow(ReadOnlySpan<byte> tag) => !tag.StartsWith("SELECT 0"u8);
}
