using System.Buffers.Binary;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>What the first packet of a connection asks for.</summary>
public enum StartupPacketKind : byte
{
    StartupMessage,
    SSLRequest,
    GSSENCRequest,
    CancelRequest,
}

/// <summary>
/// The first packet of a connection: length and code, no type byte. Its value owns its data, so that a handshake may wait for the
/// network; packets are small and come once a connection.
/// </summary>
public readonly struct StartupPacket
{
    /// <summary>Most bytes behind the length word, as in PostgreSQL (MAX_STARTUP_PACKET_LENGTH).</summary>
    public const int BodyLengthMax = 10_000;

    private const int LengthSize = 4;
    private const int CancelRequestCode = (1234 << 16) | 5678;
    private const int SSLRequestCode = (1234 << 16) | 5679;
    private const int GSSENCRequestCode = (1234 << 16) | 5680;

    private StartupPacket(StartupPacketKind kind, StartupMessage? startup = null, CancelRequest? cancel = null)
    {
        Kind = kind;
        Startup = startup;
        Cancel = cancel;
    }

    public StartupPacketKind Kind { get; }

    /// <summary>Set when <see cref="Kind"/> is StartupMessage.</summary>
    public StartupMessage? Startup { get; }

    /// <summary>Set when <see cref="Kind"/> is CancelRequest.</summary>
    public CancelRequest? Cancel { get; }

    /// <summary>Reads how long the packet is.</summary>
    /// <param name="bytes">The connection's first bytes.</param>
    /// <param name="packetLength">Bytes of the packet, its length word included, 8 to <see cref="BodyLengthMax"/> + 4.</param>
    /// <returns>False while fewer than four bytes have arrived.</returns>
    /// <exception cref="PgProtocolException">08P01, when the length cannot be true: most likely another protocol.</exception>
    public static bool TryReadLength(ReadOnlySpan<byte> bytes, out int packetLength)
    {
        packetLength = 0;
        if (bytes.Length < LengthSize)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(bytes);
        if (length is < 2 * LengthSize or > BodyLengthMax + LengthSize)
        {
            PgProtocolException.Throw("invalid length of startup packet");
        }

        packetLength = length;
        return true;
    }

    /// <summary>Reads a whole packet from the beginning of the bytes.</summary>
    /// <param name="bytes">The connection's first bytes.</param>
    /// <param name="packet">The packet, when it is whole.</param>
    /// <param name="packetLength">Bytes it took. Bytes behind an SSLRequest must not be read on as if they were encrypted (CVE-2021-23222).</param>
    /// <returns>False while the packet is not whole.</returns>
    /// <exception cref="PgProtocolException">08P01, when the packet is malformed or asks for another major version.</exception>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out StartupPacket packet, out int packetLength)
    {
        packet = default;
        if (!TryReadLength(bytes, out packetLength) || bytes.Length < packetLength)
        {
            return false;
        }

        packet = Read(bytes[..packetLength]);
        return true;
    }

    /// <param name="packet">Exactly one packet, its length word included.</param>
    /// <exception cref="PgProtocolException">08P01, when the packet is malformed or asks for another major version.</exception>
    public static StartupPacket Read(ReadOnlySpan<byte> packet)
    {
        if (!TryReadLength(packet, out int length) || length != packet.Length)
        {
            PgProtocolException.Throw("invalid length of startup packet");
        }

        int code = BinaryPrimitives.ReadInt32BigEndian(packet[LengthSize..]);
        ReadOnlySpan<byte> rest = packet[(2 * LengthSize)..];
        switch (code)
        {
            case SSLRequestCode:
                new BodyReader(rest, "SSLRequest").End();
                return new StartupPacket(StartupPacketKind.SSLRequest);
            case GSSENCRequestCode:
                new BodyReader(rest, "GSSENCRequest").End();
                return new StartupPacket(StartupPacketKind.GSSENCRequest);
            case CancelRequestCode:
                return new StartupPacket(StartupPacketKind.CancelRequest, cancel: CancelRequest.Read(rest));
            default:
                return new StartupPacket(StartupPacketKind.StartupMessage, startup: StartupMessage.Read(new ProtocolVersion(code), rest));
        }
    }

    public static void WriteSSLRequest(FrameWriter to) => WriteCode(to, SSLRequestCode);

    public static void WriteGSSENCRequest(FrameWriter to) => WriteCode(to, GSSENCRequestCode);

    /// <param name="to">Where the packet goes.</param>
    /// <param name="processId">From the BackendKeyData of the connection whose query is to end.</param>
    /// <param name="key">Likewise, 4 to 256 bytes.</param>
    public static void WriteCancelRequest(FrameWriter to, int processId, ReadOnlySpan<byte> key)
    {
        int mark = to.BeginUntyped();
        to.WriteInt32(CancelRequestCode);
        to.WriteInt32(processId);
        to.WriteBytes(key);
        to.End(mark);
    }

    private static void WriteCode(FrameWriter to, int code)
    {
        int mark = to.BeginUntyped();
        to.WriteInt32(code);
        to.End(mark);
    }
}
