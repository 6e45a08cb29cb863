using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Which tenant and which of its users a start-up packet names (A2).</summary>
/// <param name="Slug">As the client wrote it; not checked yet.</param>
/// <param name="User">User name within the tenant.</param>
internal readonly record struct TenantNaming(string Slug, string User)
{
    /// <summary>
    /// The tenant is named by the database, or behind the last <c>.</c> or <c>@</c> of the user name, or by <c>-c tenant=</c> in the options. A database that
    /// equals the user name names nothing: libpq fills it in when none is given.
    /// </summary>
    /// <exception cref="PgErrorException">28000, when two of them name different tenants.</exception>
    public static TenantNaming Of(StartupMessage startup, string? fromOptions)
    {
        string user = startup.User;
        string? fromDatabase = startup.Database == user ? null : startup.Database;
        int separator = user.LastIndexOfAny(['.', '@']);
        string? fromUser = separator > 0 && separator + 1 < user.Length ? user[(separator + 1)..] : null;

        string? named = fromOptions ?? fromDatabase;
        if (fromOptions is not null && fromDatabase is not null && fromOptions != fromDatabase) throw new PgErrorException(ProxyErrors.ConflictingTenants());
        if (named is null) return fromUser is null ? new TenantNaming(user, user) : new TenantNaming(fromUser, user[..separator]);
        // Where the tenant is named elsewhere, a dot may be part of the user's own name: it counts as a suffix only when it says the same.
        return fromUser == named ? new TenantNaming(named, user[..separator]) : new TenantNaming(named, user);
    }
}
