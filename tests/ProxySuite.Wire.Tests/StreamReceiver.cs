using System.Buffers;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Tests;

/// <summary>Drives a <see cref="FrameScanner"/> as a transport does: each segment is one receive, what is left is shown again.</summary>
public static class StreamReceiver
{
    public static List<(byte Type, byte[] Body)> Receive(ReadOnlySequence<byte> stream, int bodyLengthMax = FrameHeader.BodyLengthLimit)
    {
        var frames = new List<(byte, byte[])>();
        var scanner = new FrameScanner(bodyLengthMax);
        byte[] rest = [];
        var body = new List<byte>();
        foreach (ReadOnlyMemory<byte> received in stream)
        {
            byte[] bytes = [.. rest, .. received.Span];
            int offset = 0;
            while (scanner.TryNext(bytes, ref offset, out FrameSlice slice))
            {
                body.AddRange(slice.Body(bytes));
                if (slice.IsLast)
                {
                    frames.Add((slice.Header.Type, [.. body]));
                    body.Clear();
                }
            }

            rest = bytes[offset..];
            if (rest.Length >= FrameHeader.Size)
            {
                throw new InvalidOperationException("the scanner left more than a partial header");
            }
        }

        return rest.Length == 0 && scanner.BodyRemaining == 0 ? frames : throw new InvalidOperationException("the stream ended inside a message");
    }
}
