using System.Net.Sockets;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>What tests do with the peer's plain socket.</summary>
internal static class PeerExtensions
{
    /// <summary>Receives exactly so many bytes.</summary>
    public static async Task<byte[]> ReceiveExactlyAsync(this Socket peer, int length)
    {
        byte[] bytes = new byte[length];
        using var patience = new CancellationTokenSource(TransportWorld.Patience);
        for (int filled = 0; filled < length;)
        {
            int received = await peer.ReceiveAsync(bytes.AsMemory(filled), patience.Token);
            Assert.True(received > 0, $"the stream ended after {filled} of {length} bytes");
            filled += received;
        }
        return bytes;
    }

    /// <summary>Receives until end-of-stream.</summary>
    public static async Task<byte[]> ReceiveToEndAsync(this Socket peer)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        using var patience = new CancellationTokenSource(TransportWorld.Patience);
        while (await peer.ReceiveAsync(buffer, patience.Token) is > 0 and int received)
            all.Write(buffer, 0, received);
        return all.ToArray();
    }

    /// <summary>Sends all of it, however long the other side takes.</summary>
    public static async Task SendAllAsync(this Socket peer, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await peer.SendAsync(bytes)..];
    }
}
