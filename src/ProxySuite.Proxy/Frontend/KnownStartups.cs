using ProxySuite.Proxy.Backend;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Start-up packets of clients that have logged in, by their very bytes: the clients of an application send the same one, and taking it apart was a third of a
/// login's memory. Only who has proved who it is adds one, so strangers push none out. Touched by one reactor's thread alone.
/// </summary>
internal sealed class KnownStartups
{
    // At most some 2 kB each with what was worked out.
    private const int PacketsMax = 256;
    private const int PacketLengthMax = 512;

    private readonly Dictionary<byte[], ClientStartup> _byBytes = new(BytesComparer.Instance);

    /// <summary>The packet, if a client that sent it has logged in here.</summary>
    public ClientStartup? Find(ReadOnlySpan<byte> packet)
        => packet.Length <= PacketLengthMax && _byBytes.Count > 0 && _byBytes.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(packet, out ClientStartup? known) ? known : null;

    /// <summary>A client that sent this has logged in.</summary>
    public void Add(byte[] packet, ClientStartup startup)
    {
        if (packet.Length > PacketLengthMax) return;
        if (_byBytes.Count >= PacketsMax) _byBytes.Clear();
        _byBytes[packet] = startup;
    }
}
