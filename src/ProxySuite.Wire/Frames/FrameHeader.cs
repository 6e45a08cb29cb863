using System.Buffers;
using System.Buffers.Binary;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Frames;

/// <summary>The five bytes in front of every message but the start-up packet: its type and its length.</summary>
/// <param name="Type">A <see cref="FrontendMessage"/> or a <see cref="BackendMessage"/>, depending on who sent it; not checked here.</param>
/// <param name="BodyLength">Bytes behind the header, 0 to <see cref="BodyLengthLimit"/>.</param>
public readonly record struct FrameHeader(byte Type, int BodyLength)
{
    /// <summary>Bytes of a header: one of type, four of length.</summary>
    public const int Size = 5;

    /// <summary>The longest body PostgreSQL can send or take, in bytes: its buffers end below 1 GiB (MaxAllocSize).</summary>
    public const int BodyLengthLimit = 0x3fffffff - 5;

    /// <summary>Header and body together, in bytes.</summary>
    public int FrameLength => Size + BodyLength;

    /// <summary>Reads one message header and leaves the body where it lies.</summary>
    /// <param name="bytes">The stream from the first byte of a message on.</param>
    /// <param name="bodyLengthMax">Largest body accepted, in bytes, 0 to <see cref="BodyLengthLimit"/>.</param>
    /// <param name="header">The header, when there is one.</param>
    /// <returns>False while fewer than <see cref="Size"/> bytes have arrived.</returns>
    /// <exception cref="PgProtocolException">08P01, when the length cannot be true; the connection ends.</exception>
    /// <remarks>protocol-overview, "Messaging Overview": the length counts itself and not the type byte.</remarks>
    public static bool TryRead(ReadOnlySpan<byte> bytes, int bodyLengthMax, out FrameHeader header)
    {
        if (bytes.Length < Size)
        {
            header = default;
            return false;
        }

        byte type = bytes[0];
        int length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]);
        CheckLength(type, length, bodyLengthMax);
        header = new FrameHeader(type, length - 4);
        return true;
    }

    /// <summary>The same on bytes that lie in several segments; the reader moves behind the header.</summary>
    /// <returns>False, and nothing consumed, while fewer than <see cref="Size"/> bytes have arrived.</returns>
    /// <exception cref="PgProtocolException">08P01, when the length cannot be true; the connection ends.</exception>
    public static bool TryRead(ref SequenceReader<byte> reader, int bodyLengthMax, out FrameHeader header)
    {
        if (reader.Remaining < Size)
        {
            header = default;
            return false;
        }

        reader.TryRead(out byte type);
        reader.TryReadBigEndian(out int length);
        CheckLength(type, length, bodyLengthMax);
        header = new FrameHeader(type, length - 4);
        return true;
    }

    /// <summary>Walks over whole messages of one type that lie one behind the other, such as the rows of a result.</summary>
    /// <param name="bytes">Received bytes.</param>
    /// <param name="at">Where a message begins, or the end of the bytes.</param>
    /// <param name="type">The type of those to walk over.</param>
    /// <returns>Where the first message begins that has another type, is not whole, or whose length cannot be true: that is for <see cref="TryRead(ReadOnlySpan{byte}, int, out FrameHeader)"/> to say.</returns>
    public static int EndOfRun(ReadOnlySpan<byte> bytes, int at, byte type)
    {
        while (bytes.Length - at >= Size && bytes[at] == type)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 1)..]);
            if (length < 4 || length >= (uint)(bytes.Length - at))
            {
                break;
            }

            at += 1 + (int)length;
        }

        return at;
    }

    private static void CheckLength(byte type, int length, int bodyLengthMax)
    {
        // One unsigned comparison refuses negative, below-four and oversized lengths alike.
        if ((uint)(length - 4) > (uint)bodyLengthMax)
        {
            PgProtocolException.ThrowBadLength(type, length);
        }
    }
}
