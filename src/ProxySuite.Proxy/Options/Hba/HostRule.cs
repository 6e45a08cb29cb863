using System.Collections.Frozen;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>Which connections a rule is for, by the words of pg_hba.conf.</summary>
internal enum HostRuleType : byte
{
    Local,     // the Unix socket
    Host,      // TCP, with TLS or without
    HostSsl,   // TCP with TLS
    HostNoSsl, // TCP without TLS
}

/// <summary>How a client proves who it is.</summary>
internal enum LoginMethod : byte
{
    Reject,      // not at all
    ScramSha256, // by its password, which never crosses the wire
    Jwt,         // by a signed token, sent as the password
    Trust,       // it is believed
}

/// <summary>One line of host rules.</summary>
/// <param name="Line">Where it begins in its file, from 1.</param>
/// <param name="Type">Which connections it is for.</param>
/// <param name="Tenants">Slugs it is for; null for all.</param>
/// <param name="Users">User names within the tenant it is for; null for all.</param>
/// <param name="Addresses">Addresses it is for; null for all. Of no meaning on the Unix socket.</param>
/// <param name="Method">What is asked of a client it fits.</param>
/// <param name="AllowsPlaintext">Whether a token may come over a network without TLS.</param>
internal sealed record HostRule(
    int Line, HostRuleType Type, FrozenSet<string>? Tenants, FrozenSet<string>? Users, AddressRange[]? Addresses, LoginMethod Method, bool AllowsPlaintext = false)
{
    /// <summary>Whether the rule is for this client.</summary>
    public bool Fits(ClientOrigin origin, string tenant, string user)
        => FitsConnection(origin) && Tenants?.Contains(tenant) != false && Users?.Contains(user) != false;

    private bool FitsConnection(ClientOrigin origin)
    {
        if (origin.Address is not { } address) return Type == HostRuleType.Local;
        bool fitsType = Type switch
        {
            HostRuleType.Host => true,
            HostRuleType.HostSsl => origin.IsEncrypted,
            HostRuleType.HostNoSsl => !origin.IsEncrypted,
            _ => false,
        };
        return fitsType && (Addresses is null || Addresses.Any(range => range.Contains(address)));
    }
}
