using System.Buffers;
using System.Text;

namespace ProxySuite.Wire.Tests;

/// <summary>The same bytes as the network may cut them.</summary>
public static class Splits
{
    /// <summary>Whole, cut in two at each byte, and one byte at a time; a cut may leave an empty segment.</summary>
    public static IEnumerable<ReadOnlySequence<byte>> Every(byte[] bytes)
    {
        yield return new ReadOnlySequence<byte>(bytes);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            yield return Join(bytes.AsMemory(0, cut), bytes.AsMemory(cut));
        }

        yield return Join([.. Enumerable.Range(0, bytes.Length).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i, 1))]);
    }

    /// <summary>Bytes of a text in which each character stands for one byte.</summary>
    public static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);

    private static ReadOnlySequence<byte> Join(params ReadOnlyMemory<byte>[] parts)
    {
        if (parts.Length == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        var first = new Segment(parts[0], 0);
        Segment last = first;
        foreach (ReadOnlyMemory<byte> part in parts.AsSpan(1))
        {
            last = last.Append(part);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long at)
        {
            Memory = memory;
            RunningIndex = at;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
