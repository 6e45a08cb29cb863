using System.Collections.Immutable;
using Npgsql;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Tenancy.Model;

/// <summary>How to reach and log in to a PostgreSQL database. Its text form hides the password.</summary>
/// <remarks>Read by <see cref="DsnParser"/> from a <c>postgres://</c> URI or from Npgsql's key=value form.</remarks>
public sealed class Dsn
{
    private readonly string _connectionString;

    internal Dsn(NpgsqlConnectionStringBuilder settings)
    {
        _connectionString = settings.ConnectionString;
        Hosts = [.. (settings.Host ?? "").Split(',', StringSplitOptions.TrimEntries).Select(host => ShardEndpoint.Parse(host, settings.Port))];
        Database = settings.Database ?? settings.Username ?? "";
        User = settings.Username;
        Password = settings.Password is { Length: > 0 } password ? new Secret(password) : null;
        Tls = (TlsMode)settings.SslMode;
    }

    /// <value>At least one.</value>
    public ImmutableArray<ShardEndpoint> Hosts { get; }

    /// <value>The user's name where the DSN names no database, as libpq has it.</value>
    public string Database { get; }

    /// <value>Null for the operating system's user.</value>
    public string? User { get; }

    /// <value>Null when there is none.</value>
    public Secret? Password { get; }

    public TlsMode Tls { get; }

    /// <summary>Npgsql's settings, password included, for the caller to change at will.</summary>
    public NpgsqlConnectionStringBuilder ToNpgsql() => new(_connectionString);

    /// <summary>The same server and login, another database.</summary>
    public Dsn WithDatabase(string database) => new(new NpgsqlConnectionStringBuilder(_connectionString) { Database = database });

    /// <summary>The whole DSN, password included, in the form that <see cref="DsnParser"/> reads back; for the registry alone.</summary>
    public string Reveal() => _connectionString;

    /// <summary>A URI without its password, fit for logs.</summary>
    public override string ToString()
    {
        string login = User is null ? "" : Uri.EscapeDataString(User) + (Password is null ? "" : ":***") + "@";
        string hosts = string.Join(',', Hosts.Select(host => host.IsUnixSocket
            ? $"{Uri.EscapeDataString(host.Host)}:{host.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}" : host.ToString()));
        return $"postgres://{login}{hosts}/{Uri.EscapeDataString(Database)}";
    }
}
