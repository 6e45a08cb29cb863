using System.Net;
using System.Net.Sockets;

namespace ProxySuite.Testing.Servers;

/// <summary>A TCP port on loopback that nobody listens on.</summary>
public static class FreePort
{
    // Below 32768, where Linux starts to hand out ports to outgoing connections: a server that is down for a while gets its port back.
    private const int First = 20_000;
    private const int Last = 31_999;

    public static int Next()
    {
        for (int attempt = 0; attempt < 1000; attempt++)
        {
            int port = Random.Shared.Next(First, Last + 1);
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken; try the next.
            }
        }
        throw new InvalidOperationException($"no free port between {First} and {Last} on loopback");
    }
}
