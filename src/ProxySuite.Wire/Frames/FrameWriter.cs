using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace ProxySuite.Wire.Frames;

/// <summary>
/// A buffer that messages are written to, used again and again: <see cref="Clear"/> keeps its memory, except what a single large
/// use made it grow to. Not thread-safe. Bytes handed out by <see cref="WrittenSpan"/> are valid until the next write or Clear.
/// </summary>
public sealed class FrameWriter : IBufferWriter<byte>
{
    /// <summary>Bytes kept over <see cref="Clear"/> unless the constructor says otherwise: holds any login or error answer.</summary>
    public const int DefaultRetainedBytes = 4096;

    private readonly int _retainedBytes;
    private byte[] _buffer = [];
    private int _written;

    /// <param name="retainedBytes">Memory kept when the writer is cleared, in bytes, from 0; what grew beyond it is given back.</param>
    public FrameWriter(int retainedBytes = DefaultRetainedBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retainedBytes);
        _retainedBytes = retainedBytes;
    }

    /// <summary>Bytes written since the last <see cref="Clear"/>.</summary>
    public int WrittenCount => _written;

    /// <summary>Bytes of memory held, written or not.</summary>
    public int Capacity => _buffer.Length;

    /// <summary>What was written, valid until the next write or <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> WrittenSpan => _buffer.AsSpan(0, _written);

    /// <summary>As <see cref="WrittenSpan"/>, for sends that outlive the caller's frame.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, _written);

    /// <summary>Forgets what was written and gives back memory above the retained size.</summary>
    public void Clear()
    {
        _written = 0;
        if (_buffer.Length > _retainedBytes)
        {
            _buffer = [];
        }
    }

    /// <summary>Begins a message; everything written until <see cref="End"/> is its body.</summary>
    /// <returns>The mark that <see cref="End"/> takes.</returns>
    public int Begin(BackendMessage type) => Begin((byte)type);

    /// <inheritdoc cref="Begin(BackendMessage)"/>
    public int Begin(FrontendMessage type) => Begin((byte)type);

    /// <summary>Begins a packet without a type byte: StartupMessage, SSLRequest, GSSENCRequest, CancelRequest.</summary>
    /// <returns>The mark that <see cref="End"/> takes.</returns>
    public int BeginUntyped()
    {
        int mark = _written;
        WriteInt32(0);
        return mark;
    }

    /// <summary>Ends the message begun at the mark: its length, which counts itself and not the type byte, is now known.</summary>
    /// <param name="mark">What Begin returned.</param>
    public void End(int mark) => BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(mark), _written - mark);

    /// <summary>Writes a message that has no body.</summary>
    public void WriteEmpty(BackendMessage type) => End(Begin(type));

    /// <inheritdoc cref="WriteEmpty(BackendMessage)"/>
    public void WriteEmpty(FrontendMessage type) => End(Begin(type));

    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value)
    {
        Reserve(1);
        _buffer[_written++] = value;
    }

    /// <summary>Writes two bytes, big-endian.</summary>
    /// <param name="value">−32,768 to 65,535: the protocol's counts are unsigned where they exceed an Int16.</param>
    public void WriteInt16(int value)
    {
        BinaryPrimitives.WriteInt16BigEndian(Reserve(2), unchecked((short)value));
        _written += 2;
    }

    /// <summary>Writes four bytes, big-endian.</summary>
    public void WriteInt32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value);
        _written += 4;
    }

    /// <summary>Writes the bytes as they are.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _written += bytes.Length;
    }

    /// <summary>Writes text as UTF-8, without a terminator; lone surrogates become U+FFFD.</summary>
    public void WriteUtf8(ReadOnlySpan<char> text)
    {
        Span<byte> free = Reserve(Encoding.UTF8.GetMaxByteCount(text.Length));
        _written += Encoding.UTF8.GetBytes(text, free);
    }

    /// <summary>Writes the bytes and the zero byte that ends a String of the protocol.</summary>
    /// <exception cref="ArgumentException">The bytes hold a zero byte: the rest would be read as the next field.</exception>
    public void WriteCString(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Contains((byte)0))
        {
            ThrowZeroByte();
        }

        WriteBytes(bytes);
        WriteByte(0);
    }

    /// <summary>Writes the text as UTF-8 and the zero byte that ends a String of the protocol.</summary>
    /// <exception cref="ArgumentException">The text holds U+0000: the rest would be read as the next field.</exception>
    public void WriteCString(ReadOnlySpan<char> text)
    {
        if (text.Contains('\0'))
        {
            ThrowZeroByte();
        }

        WriteUtf8(text);
        WriteByte(0);
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _written);
        _written += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_written);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => Reserve(Math.Max(sizeHint, 1));

    private int Begin(byte type)
    {
        WriteByte(type);
        return BeginUntyped();
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _written < count)
        {
            Grow(count);
        }

        return _buffer.AsSpan(_written);
    }

    private void Grow(int count)
    {
        // Doubling keeps appending linear; 256 bytes hold the usual short answer at once.
        int needed = checked(_written + count);
        int doubled = (int)Math.Min((uint)_buffer.Length * 2, (uint)Array.MaxLength);
        byte[] grown = GC.AllocateUninitializedArray<byte>(Math.Max(Math.Max(needed, doubled), 256));
        WrittenSpan.CopyTo(grown);
        _buffer = grown;
    }

    [DoesNotReturn]
    private static void ThrowZeroByte() => throw new ArgumentException("a String of the protocol cannot hold a zero byte");
}
