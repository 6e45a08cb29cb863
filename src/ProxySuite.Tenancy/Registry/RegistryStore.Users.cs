using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Tenancy.Registry;

public sealed partial class RegistryStore
{
    /// <exception cref="RegistryException">AlreadyExists, NotFound (tenant), Refused (an owner in the pool model, an impossible name).</exception>
    public Task InsertUserAsync(TenantId tenant, TenantUser user, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("INSERT INTO system.tenant_users (tenant_id, name, role, verifier, valid_until) VALUES ($1, $2, $3, $4, $5)",
                tenant.Value, user.Name, EnumText.Of(user.Role), user.Verifier.ToStoredForm(), user.ValidUntil?.ToUniversalTime()),
            RegistryFailure.Refused, $"user \"{user.Name}\" was not entered", cancellationToken);

    /// <summary>Replaces a user's password; until when the user may log in stays as it is.</summary>
    /// <exception cref="RegistryException">NotFound.</exception>
    public Task SetUserPasswordAsync(TenantId tenant, string name, PasswordVerifier verifier, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command(
                """
                UPDATE system.tenant_users SET verifier = $3, previous_verifier = NULL, previous_until = NULL
                WHERE tenant_id = $1 AND name = $2
                """, tenant.Value, name, verifier.ToStoredForm()),
            RegistryFailure.NotFound, $"there is no user \"{name}\"", cancellationToken);

    /// <summary>Says until when a user may log in.</summary>
    /// <param name="validUntil">Null for ever.</param>
    /// <exception cref="RegistryException">NotFound.</exception>
    public Task SetUserEndAsync(TenantId tenant, string name, DateTimeOffset? validUntil, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("UPDATE system.tenant_users SET valid_until = $3 WHERE tenant_id = $1 AND name = $2", tenant.Value, name, validUntil?.ToUniversalTime()),
            RegistryFailure.NotFound, $"there is no user \"{name}\"", cancellationToken);

    /// <summary>Replaces a user's password and lets the one before count for a while; of the one before that nothing is left.</summary>
    /// <param name="user">The user as it was read: a password set meanwhile by somebody else is not lost.</param>
    /// <param name="verifier">Of the new password, with salt and rounds of the old one.</param>
    /// <param name="overlap">How long the old password counts.</param>
    /// <exception cref="RegistryException">VersionChanged; Refused: another salt.</exception>
    public Task RotateUserPasswordAsync(TenantId tenant, TenantUser user, PasswordVerifier verifier, TimeSpan overlap, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command(
                """
                UPDATE system.tenant_users SET verifier = $3, previous_verifier = verifier, previous_until = now() + $4::interval
                WHERE tenant_id = $1 AND name = $2 AND verifier = $5
                """, tenant.Value, user.Name, verifier.ToStoredForm(), overlap, user.Verifier.ToStoredForm()),
            RegistryFailure.VersionChanged, $"the password of user \"{user.Name}\" was changed by somebody else", cancellationToken);

    /// <summary>Replaces a password that nobody was told; the one before it goes on counting as long as it was to.</summary>
    /// <param name="untold">The verifier that stands there now.</param>
    /// <exception cref="RegistryException">VersionChanged.</exception>
    public Task ReplaceUserPasswordAsync(TenantId tenant, string name, string untold, PasswordVerifier verifier, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("UPDATE system.tenant_users SET verifier = $3 WHERE tenant_id = $1 AND name = $2 AND verifier = $4", tenant.Value, name, verifier.ToStoredForm(), untold),
            RegistryFailure.VersionChanged, $"the password of user \"{name}\" was changed by somebody else", cancellationToken);

    /// <exception cref="RegistryException">NotFound.</exception>
    public Task DeleteUserAsync(TenantId tenant, string name, CancellationToken cancellationToken = default)
        => ChangeOneAsync(Command("DELETE FROM system.tenant_users WHERE tenant_id = $1 AND name = $2", tenant.Value, name),
            RegistryFailure.NotFound, $"there is no user \"{name}\"", cancellationToken);
}
