using System.Buffers;
using System.Reflection;
using System.Text;
using Xunit.Sdk;

namespace ProxySuite.Testing.Protocol;

/// <summary>Runs a theory with the same bytes however the network may cut them: whole, cut in two at each byte, one byte at a time.</summary>
/// <remarks>
/// <code>
/// [Theory, EverySplit("Q\0\0\0\rSELECT 1\0")]
/// public void A_query_is_seen_however_the_network_cuts_it(ReadOnlySequence&lt;byte&gt; bytes)
/// </code>
/// The first parameter is a <see cref="ReadOnlySequence{T}"/> of bytes, or <c>byte[][]</c> for code that is handed one span after the other.
/// A second one, if there is one, is a string that says how the bytes were cut. N bytes give N + 1 cases.
/// </remarks>
/// <param name="bytes">A character a byte, U+0000 to U+00FF.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class EverySplitAttribute(string bytes) : DataAttribute
{
    /// <summary>All cuts of the bytes; an empty array gives the one case of no bytes.</summary>
    public static IEnumerable<(byte[][] Parts, string Cut)> Of(byte[] bytes)
    {
        yield return ([bytes], "whole");
        for (int at = 1; at < bytes.Length; at++) yield return ([bytes[..at], bytes[at..]], $"cut at {at}");
        if (bytes.Length > 2) yield return ([.. bytes.Select(one => (byte[])[one])], "one byte at a time");
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
    {
        ParameterInfo[] parameters = testMethod.GetParameters();
        Type first = parameters.Length is 1 or 2 ? parameters[0].ParameterType : typeof(void);
        if (first != typeof(byte[][]) && first != typeof(ReadOnlySequence<byte>))
        {
            throw new ArgumentException($"{testMethod.Name} must take a ReadOnlySequence<byte> or byte[][], and may take a string");
        }
        foreach ((byte[][] parts, string cut) in Of(Encoding.Latin1.GetBytes(bytes)))
        {
            object data = first == typeof(byte[][]) ? parts : Segment.Join(parts);
            yield return parameters.Length == 2 ? [data, cut] : [data];
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        private Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public static ReadOnlySequence<byte> Join(byte[][] parts)
        {
            Segment first = new(parts[0], 0);
            Segment last = first;
            foreach (byte[] part in parts.Skip(1))
            {
                Segment next = new(part, last.RunningIndex + last.Memory.Length);
                last.Next = next;
                last = next;
            }
            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
