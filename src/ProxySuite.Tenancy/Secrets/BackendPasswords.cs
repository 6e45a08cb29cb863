using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace ProxySuite.Tenancy.Secrets;

/// <summary>
/// Passwords of the tenants' login roles: base64url of HMAC-SHA256(master key, role and epoch). Nobody stores them; whoever holds the
/// master key computes them, and a higher epoch makes new ones.
/// </summary>
public sealed class BackendPasswords(MasterKey master)
{
    /// <param name="roleName">The login role on the shard.</param>
    /// <param name="epoch">The tenant's credentials epoch.</param>
    /// <returns>43 characters of [A-Za-z0-9_-]: 256 random bits, so a verifier for it needs no more than one iteration.</returns>
    public string PasswordFor(string roleName, int epoch)
    {
        // The prefix keeps these apart from anything else made from the master key; NUL cannot occur in a role's name.
        string message = string.Create(CultureInfo.InvariantCulture, $"proxysuite/backend-password\0{roleName}\0{epoch}");
        return Base64Url.EncodeToString(master.Authenticate(Encoding.UTF8.GetBytes(message)));
    }
}
