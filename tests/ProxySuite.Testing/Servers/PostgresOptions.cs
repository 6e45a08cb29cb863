namespace ProxySuite.Testing.Servers;

/// <summary>How a throw-away PostgreSQL server is to be.</summary>
public sealed record PostgresOptions
{
    /// <value>15 to 18.</value>
    public int Version { get; init; } = 18;

    public int MaxConnections { get; init; } = 100;

    /// <summary>Settings beside or instead of the fixture's own, as in postgresql.conf: <c>["log_statement"] = "all"</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Lines of pg_hba.conf that stand before the fixture's own (Unix socket: trust; 127.0.0.1: scram-sha-256).</summary>
    public IReadOnlyList<string> HostRules { get; init; } = [];
}
