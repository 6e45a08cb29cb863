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
    Md5,         // by an md5 hash of its password where that is what is stored, else as above
    Jwt,         // by a signed token, sent as the password
    Cert,        // by the name in its TLS certificate
    Trust,       // it is believed
}

/// <summary>What a rule asks of a client's TLS certificate, beside its method: pg_hba.conf's <c>clientcert</c>.</summary>
internal enum ClientCertificate : byte
{
    NotAsked,   // one that is shown must be valid all the same
    VerifyCa,   // there is one, of an authority in Tls:ClientCaFile
    VerifyFull, // and its common name is the user's
}

/// <summary>One line of host rules.</summary>
/// <param name="Line">Where it begins in its file, from 1.</param>
/// <param name="Type">Which connections it is for.</param>
/// <param name="Tenants">Slugs it is for; null for all.</param>
/// <param name="Users">User names within the tenant it is for; null for all.</param>
/// <param name="Addresses">Addresses it is for; null for all. Of no meaning on the Unix socket.</param>
/// <param name="Method">What is asked of a client it fits.</param>
internal sealed record HostRule(int Line, HostRuleType Type, FrozenSet<string>? Tenants, FrozenSet<string>? Users, AddressRange[]? Addresses, LoginMethod Method)
{
    /// <value>Verify-full where the method is cert.</value>
    public ClientCertificate ClientCertificate { get; init; }

    /// <value>The map of <see cref="AuthOptions.IdentFile"/> that turns a certificate's name into a user's; empty for none.</value>
    public string Map { get; init; } = "";

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
