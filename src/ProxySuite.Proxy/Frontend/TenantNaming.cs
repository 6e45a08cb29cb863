using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Which tenant and which of its users a start-up packet names (A2).</summary>
/// <param name="Slug">As the client wrote it; not checked yet.</param>
/// <param name="User">User name within the tenant.</param>
/// <param name="IsNamed">Whether the client named the tenant; else <paramref name="Slug"/> is its database, in case that is one, and a token may name it.</param>
internal readonly record struct TenantNaming(string Slug, string User, bool IsNamed = true)
{
    /// <summary>What tools connect to that were given no database. No tenant can be called that (<see cref="Tenancy.Model.TenantSlug"/>).</summary>
    private const string DefaultDatabase = "postgres";

    /// <summary>
    /// The tenant is named by the database, or behind the last <c>.</c> or <c>@</c> of the user name, or by <c>-c tenant=</c> in the options, or by the TLS
    /// server name. A database that equals the user name names nothing, as libpq fills it in when none is given; nor does <c>postgres</c>.
    /// </summary>
    /// <param name="startup">The packet.</param>
    /// <param name="fromOptions">From its options; null for none.</param>
    /// <param name="fromServerName">From the TLS handshake; null for none.</param>
    /// <exception cref="PgErrorException">28000, when two of them name different tenants; said before any tenant is looked up.</exception>
    public static TenantNaming Of(StartupMessage startup, string? fromOptions, string? fromServerName = null)
    {
        string user = startup.User;
        string? fromDatabase = startup.Database == user || startup.Database == DefaultDatabase ? null : startup.Database;
        int separator = user.LastIndexOfAny(['.', '@']);
        string? fromUser = separator > 0 && separator + 1 < user.Length ? user[(separator + 1)..] : null;

        string? named = fromOptions ?? fromDatabase ?? fromServerName;
        if (Differ(fromOptions, fromDatabase) || Differ(fromOptions, fromServerName) || Differ(fromDatabase, fromServerName))
            throw new PgErrorException(ProxyErrors.ConflictingTenants());
        if (named is null) return fromUser is null ? new TenantNaming(startup.Database, user, IsNamed: false) : new TenantNaming(fromUser, user[..separator]);
        // Where the tenant is named elsewhere, a dot may be part of the user's own name: it counts as a suffix only when it says the same.
        return fromUser == named ? new TenantNaming(named, user[..separator]) : new TenantNaming(named, user);
    }

    private static bool Differ(string? left, string? right) => left is not null && right is not null && left != right;
}
