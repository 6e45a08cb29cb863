using System.Buffers.Text;
using System.Security.Cryptography;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Users;

/// <summary>Passwords for people and programs that log in to the proxy.</summary>
public static class Passwords
{
    /// <summary>Fewest characters of a password that is given.</summary>
    public const int LengthMin = 8;

    /// <summary>192 random bits in base64url: nothing to escape in a URI, a shell or a connection string.</summary>
    public static Secret Generate() => new(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24)));

    /// <exception cref="ControlException">Too short, or holds what no password prompt sends.</exception>
    public static Secret Require(string password)
    {
        if (password.Length < LengthMin) throw new ControlException($"the password has fewer than {LengthMin} characters", "Give a longer one, or use --generate-password.");
        if (password.Any(char.IsControl)) throw new ControlException("the password contains a control character");
        return new Secret(password);
    }
}
