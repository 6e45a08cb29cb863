using System.Net;
using System.Net.Sockets;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>Where a client comes from, as far as host rules ask.</summary>
/// <param name="Address">Its address, IPv4 also where it came mapped into IPv6; null on the Unix socket.</param>
/// <param name="IsEncrypted">Whether the connection has TLS.</param>
internal readonly record struct ClientOrigin(IPAddress? Address, bool IsEncrypted)
{
    /// <summary>What no network carries: nobody can listen in between.</summary>
    public bool IsOfThisMachine => Address is null || IPAddress.IsLoopback(Address);

    /// <summary>The address as PostgreSQL writes it in messages.</summary>
    public string Host => Address?.ToString() ?? "[local]";

    public static ClientOrigin Of(EndPoint peer, bool isEncrypted) => new(peer is IPEndPoint { Address: var address } ? Plain(address) : null, isEncrypted);

    // A socket that listens on :: shows IPv4 clients as ::ffff:a.b.c.d. Taken as it comes, such a client would slip past every rule for IPv4, rejecting ones among them.
    private static IPAddress Plain(IPAddress address) => address switch
    {
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4(),
        { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 } => new IPAddress(address.GetAddressBytes()),
        _ => address,
    };
}
