namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Registry</c>: where tenants, shards and plans are read from. Exactly one of the two is set.</summary>
public sealed record RegistryOptions
{
    /// <summary>The PostgreSQL database with schema <c>system</c>.</summary>
    /// <value>A <c>postgres://</c> URI or Npgsql's key=value form; default empty. Needs a restart. May hold a password, so it is never logged.</value>
    public string ConnectionString { get; init; } = "";

    /// <summary>A static registry file, for a sidecar that serves few tenants.</summary>
    /// <value>A readable file; default empty. Needs a restart to name another; a changed file is read again by itself.</value>
    public string File { get; init; } = "";

    /// <summary>What the registry is, in one word for logs: <c>postgresql</c> or <c>file</c>.</summary>
    public string Kind => File.Length > 0 ? "file" : "postgresql";

    /// <summary>The kind alone: a record would print the connection string.</summary>
    public override string ToString() => Kind;

    internal static RegistryOptions Read(SectionReader section)
    {
        var defaults = new RegistryOptions();
        return new()
        {
            ConnectionString = section.Text(nameof(ConnectionString), defaults.ConnectionString),
            File = section.Text(nameof(File), defaults.File),
        };
    }
}
