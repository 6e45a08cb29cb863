using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace ProxySuite.Wire.Scram;

/// <summary>PostgreSQL's md5 passwords, for old clients where they are enabled (protocol-flow, AuthenticationMD5Password).</summary>
public static class Md5Password
{
    /// <summary>What pg_authid stores: <c>md5</c> and 32 hexadecimal digits of md5(password || user).</summary>
    public static string Hash(string user, string password) => "md5" + Hex(Encoding.UTF8.GetBytes(password + user));

    /// <summary>What a client answers to AuthenticationMD5Password.</summary>
    /// <param name="storedHash">As <see cref="Hash"/> returns it.</param>
    /// <param name="salt">The four bytes of the request.</param>
    public static string Answer(string storedHash, ReadOnlySpan<byte> salt)
    {
        byte[] salted = [.. Encoding.ASCII.GetBytes(storedHash.Substring(3)), .. salt];
        return "md5" + Hex(salted);
    }

    /// <summary>Checks a client's answer in constant time.</summary>
    public static bool Verify(string storedHash, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> answer)
        => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Answer(storedHash, salt)), answer);

    [SuppressMessage("Security", "CA5351", Justification = "The protocol says md5; it is off unless a host rule enables it.")]
    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
}
