using System.Buffers.Binary;

namespace ProxySuite.Wire.Tests.Mutation;

/// <summary>Breaks valid inputs, the same way for the same seed. Allocates nothing per input.</summary>
/// <param name="seed">Not 0.</param>
public sealed class Mutator(ulong seed)
{
    /// <summary>Longest input made, in bytes.</summary>
    public const int LengthMax = 1024;

    private static readonly int[] Interesting =
        [0, 1, -1, -2, 2, 3, 4, 5, 127, 128, 255, 256, 32767, 32768, 65535, 65536, int.MaxValue, int.MinValue, 0x3fffffff];

    private readonly byte[] _buffer = new byte[LengthMax];
    private ulong _state = seed;
    private int _length;

    /// <summary>A number from 0 to below the bound, which is at least 1.</summary>
    public int Next(int bound)
    {
        // xorshift64*: fast, and the same on every machine.
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return (int)((_state * 0x2545F4914F6CDD1DUL >> 33) % (ulong)bound);
    }

    /// <summary>One of the inputs, broken in one to four places; valid until the next call.</summary>
    public ReadOnlySpan<byte> Break(byte[][] inputs)
    {
        byte[] input = inputs[Next(inputs.Length)];
        _length = Math.Min(input.Length, LengthMax);
        input.AsSpan(0, _length).CopyTo(_buffer);
        for (int changes = 1 + Next(4); changes > 0; changes--)
        {
            Change(inputs);
        }

        return _buffer.AsSpan(0, _length);
    }

    private void Change(byte[][] inputs)
    {
        if (_length == 0)
        {
            Insert(1);
            return;
        }

        int at = Next(_length);
        switch (Next(9))
        {
            case 0:
                _buffer[at] ^= (byte)(1 << Next(8));
                break;
            case 1:
                _buffer[at] = (byte)Interesting[Next(Interesting.Length)];
                break;
            case 2:
                _buffer[at] = (byte)Next(256);
                break;
            case 3 when _length >= 4:
                BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(Next(_length - 3)), Interesting[Next(Interesting.Length)]);
                break;
            case 4 when _length >= 2:
                BinaryPrimitives.WriteInt16BigEndian(_buffer.AsSpan(Next(_length - 1)), (short)Interesting[Next(Interesting.Length)]);
                break;
            case 5:
                _length = at;
                break;
            case 6:
                Delete(at, 1 + Next(Math.Min(8, _length - at)));
                break;
            case 7:
                Insert(1 + Next(8));
                break;
            default:
                Splice(inputs[Next(inputs.Length)]);
                break;
        }
    }

    private void Delete(int at, int count)
    {
        _buffer.AsSpan((at + count).._length).CopyTo(_buffer.AsSpan(at));
        _length -= count;
    }

    private void Insert(int count)
    {
        count = Math.Min(count, LengthMax - _length);
        int at = Next(_length + 1);
        _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + count));
        for (int i = 0; i < count; i++)
        {
            _buffer[at + i] = (byte)Next(256);
        }

        _length += count;
    }

    private void Splice(byte[] other)
    {
        int from = Next(other.Length + 1);
        int at = Next(_length + 1);
        int count = Math.Min(other.Length - from, LengthMax - at);
        other.AsSpan(from, count).CopyTo(_buffer.AsSpan(at));
        _length = at + count;
    }
}
