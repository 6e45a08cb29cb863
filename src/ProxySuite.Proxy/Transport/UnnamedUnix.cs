using System.Net;
using System.Net.Sockets;

namespace ProxySuite.Proxy.Transport;

/// <summary>The address of a Unix peer that bound no path, as nearly all clients are; one object for all of them.</summary>
internal static class UnnamedUnix
{
    // Only an address of the bare family, 2 bytes, gives an end point with an empty path.
    public static EndPoint EndPoint { get; } = new UnixDomainSocketEndPoint("/").Create(new SocketAddress(AddressFamily.Unix, 2));
}
