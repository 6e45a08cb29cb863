using System.Collections.Frozen;
using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The settings of a start-up packet, by list: what a client may ask for at login is what cannot touch its isolation or its plan.</summary>
internal static class StartupSettings
{
    // Everything that drivers are known to send. What a plan limits is brought within it when the plan is known; what isolates is not here.
    private static readonly FrozenSet<string> Allowed = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "application_name", "client_encoding", "datestyle", "timezone", "intervalstyle", "extra_float_digits", "search_path", "lock_timeout",
        "idle_in_transaction_session_timeout", "default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable",
        "synchronous_commit", "bytea_output", "xmloption", "geqo", "jit", "client_min_messages", "standard_conforming_strings", "plan_cache_mode",
        "statement_timeout", "work_mem", "transaction_timeout", "enable_seqscan", "enable_indexscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_nestloop", "constraint_exclusion",
        "gin_fuzzy_search_limit", "array_nulls", "quote_all_identifiers", "row_security", "check_function_bodies", "default_toast_compression");

    // Drivers send these; the server's own values are what the client gets (protocol-flow: they cannot be changed after start-up anyway).
    private static readonly FrozenSet<string> Ignored = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "user", "database", "options", "tenant");

    /// <summary>Makes session settings of the packet's parameters.</summary>
    /// <param name="startup">The packet.</param>
    /// <param name="fromOptions">Settings from its <c>options</c>; the parameters themselves win over them, as in PostgreSQL.</param>
    /// <exception cref="PgErrorException">0A000 for a setting that is not on the list or an encoding that is not served; 22023 for a broken value.</exception>
    public static SessionSettings Of(StartupMessage startup, IReadOnlyList<KeyValuePair<string, string>> fromOptions)
    {
        SessionSettings settings = SessionSettings.None;
        foreach ((string name, string value) in fromOptions) settings = With(settings, name, value);
        foreach ((string name, string value) in startup.Parameters)
        {
            if (name != "replication") settings = With(settings, name, value);
            else AsksForReplication(value);
        }
        return settings;
    }

    /// <summary>Whether the packet asks for a logical replication connection.</summary>
    /// <exception cref="PgErrorException">It asks for physical replication, or nobody can say for what.</exception>
    public static bool AsksForReplication(StartupMessage startup) => startup.TryGet("replication", out string? value) && AsksForReplication(value);

    private static bool AsksForReplication(string value) => value switch
    {
        "database" => true,
        _ when value.ToLowerInvariant() is "false" or "off" or "no" or "0" or "f" or "n" or "of" => false,
        _ => throw new PgErrorException(ProxyErrors.PhysicalReplicationRefused()),
    };

    private static SessionSettings With(SessionSettings settings, string name, string value)
    {
        if (Ignored.Contains(name)) return settings;
        if (!Allowed.Contains(name)) throw new PgErrorException(ProxyErrors.StartupParameterRefused(name));
        string key = name.ToLowerInvariant();
        // What a statement does to its session is read on the assumption that the server reads the text in the same way.
        if ((key == "client_encoding" && !ClientEncodings.IsSafe(value)) || (key == "standard_conforming_strings" && value.ToLowerInvariant() is not ("on" or "true" or "1" or "yes")))
        {
            throw new PgErrorException(ProxyErrors.StartupValueRefused(name, value));
        }
        // A list: as one literal it would be one schema of that whole name.
        return settings.With(key, key != "search_path" ? Sql.Literal(value)
            : Sql.NameList(value) ?? throw new PgErrorException(ProxyErrors.StartupValueRefused(name, value)));
    }
}
