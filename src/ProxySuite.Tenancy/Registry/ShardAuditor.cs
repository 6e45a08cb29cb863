using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Tenancy.Registry;

/// <summary>How many findings of each severity an audit of a shard's shared database has.</summary>
public readonly record struct AuditSummary(int Critical, int High, int Medium, int Low);

/// <summary>
/// Asks a shard for the summary of its own audit, as a role that may do nothing else (<c>tenancy.audit_summary()</c>, made by
/// <c>shard prepare</c>). What the findings are, and how to mend them, <c>proxyctl audit</c> says.
/// </summary>
/// <param name="masterKey">The role's password follows from it, as those of tenants' roles do.</param>
/// <param name="serverCaFile">Authorities for shards whose certificate is verified; empty for the system's.</param>
public sealed class ShardAuditor(MasterKey masterKey, string serverCaFile = "")
{
    /// <summary>The role; it is a member of nothing and owns nothing.</summary>
    public const string RoleName = "ps_auditor";

    private const int ConnectTimeoutSeconds = 10;
    private const int CommandTimeoutSeconds = 120;

    /// <summary>The role's password: there is one for a cluster, so it has no epoch of its own.</summary>
    public static string PasswordFrom(MasterKey key) => new BackendPasswords(key).PasswordFor(RoleName, 1);

    /// <exception cref="RegistryUnavailableException">The shard does not answer, does not let the role in, or has no such function; the message says which.</exception>
    public async Task<AuditSummary> AskAsync(Shard shard, CancellationToken cancellationToken)
    {
        try
        {
            NpgsqlSlimDataSourceBuilder builder = RegistryDataSource.Builder(SettingsFor(shard));
            await using NpgsqlDataSource source = shard.Primary.Length == 1 ? builder.Build() : builder.BuildMultiHost();
            await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var command = new NpgsqlCommand("SELECT critical, high, medium, low FROM tenancy.audit_summary()", connection);
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            return new AuditSummary(reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3));
        }
        catch (PostgresException refused)
        {
            throw new RegistryUnavailableException($"{refused.MessageText} ({refused.SqlState})", refused);
        }
        catch (Exception failed) when (RegistryDataSource.IsUnreachable(failed))
        {
            throw new RegistryUnavailableException(failed.InnerException?.Message ?? failed.Message, failed);
        }
    }

    private NpgsqlConnectionStringBuilder SettingsFor(Shard shard)
    {
        var settings = new NpgsqlConnectionStringBuilder
        {
            // A Unix socket is given by its directory, and takes the port from the same list.
            Host = string.Join(',', shard.Primary.Select(host => host.IsUnixSocket || host.Host.Contains(':') ? host.Host : host.ToString())),
            Port = shard.Primary[0].Port,
            Database = shard.Database,
            Username = RoleName,
            Password = PasswordFrom(masterKey),
            Timeout = ConnectTimeoutSeconds,
            CommandTimeout = CommandTimeoutSeconds,
            ApplicationName = "proxyd audit",
            Pooling = false,
            SslMode = Enum.Parse<SslMode>(shard.Tls.ToString()),
        };
        if (serverCaFile.Length > 0) settings.RootCertificate = serverCaFile;
        if (shard.Primary.Length > 1) settings.TargetSessionAttributes = "primary";
        return settings;
    }
}
