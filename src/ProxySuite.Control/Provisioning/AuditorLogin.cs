using Npgsql;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Provisioning;

/// <summary>Lets proxies log in as the role that may ask a shard for its audit's summary. Its password follows from the master key, as tenants' do.</summary>
internal static class AuditorLogin
{
    // All that such a session needs, a fleet of proxies over.
    private const int ConnectionLimit = 32;

    /// <summary>Where the role cannot log in yet; one that can keeps its password.</summary>
    public static async Task EnsureAsync(NpgsqlConnection shared, MasterKey key, CancellationToken cancellationToken)
    {
        if (!await shared.ScalarAsync<bool>($"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{ShardAuditor.RoleName}'", cancellationToken)) await ResetAsync(shared, key, cancellationToken);
    }

    public static async Task ResetAsync(NpgsqlConnection shared, MasterKey key, CancellationToken cancellationToken)
    {
        var verifier = ScramVerifier.Create(ShardAuditor.PasswordFrom(key), iterations: 1);
        await using NpgsqlTransaction transaction = await shared.BeginTransactionAsync(cancellationToken);
        // Tenants are made side by side, and two that alter one role would meet ("tuple concurrently updated"). Roles are the cluster's, and so is this lock.
        await shared.ExecuteAsync("LOCK TABLE pg_catalog.pg_authid IN SHARE UPDATE EXCLUSIVE MODE", cancellationToken);
        await shared.ExecuteAsync($"ALTER ROLE {ShardAuditor.RoleName} LOGIN CONNECTION LIMIT {ConnectionLimit} PASSWORD {Literal(verifier.ToStoredForm())}", cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
