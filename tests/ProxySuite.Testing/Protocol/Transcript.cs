using System.Text.RegularExpressions;
using Xunit.Sdk;

namespace ProxySuite.Testing.Protocol;

/// <summary>A whole exchange as text, a line a message: <c>F Query "SELECT 1"</c>, <c>B ReadyForQuery I</c>, <c>F closes</c>.</summary>
/// <remarks>
/// Filled from two threads at once where a test has two; the order of lines is the order in which the bytes were handed over.
/// <code>
/// transcript.ShouldBe("""
///     F Query "SELECT 1"
///     B RowDescription [?column?]
///     B DataRow ["1"]
///     B CommandComplete "SELECT 1"
///     B ReadyForQuery I
///     """);
/// </code>
/// A <c>*</c> in the expected text stands for anything within a line.
/// </remarks>
public sealed class Transcript
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly MessageSplitter _frontend;
    private readonly MessageSplitter _backend;

    /// <param name="startsUp">True when the exchange begins with the client's first packet; false when it begins in a session.</param>
    public Transcript(bool startsUp = false)
    {
        _frontend = new MessageSplitter(Side.Frontend, startsUp);
        _backend = new MessageSplitter(Side.Backend, startsUp: false);
    }

    /// <summary>The lines so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    /// <summary>Takes bytes that the frontend sent, cut anywhere.</summary>
    public void Frontend(ReadOnlySpan<byte> bytes) => Take(_frontend, "F", bytes);

    /// <summary>Takes bytes that the backend sent, cut anywhere.</summary>
    public void Backend(ReadOnlySpan<byte> bytes) => Take(_backend, "B", bytes);

    /// <summary>Adds a line of its own, such as <c>F closes</c>.</summary>
    public void Event(string line)
    {
        lock (_lock) _lines.Add(line);
    }

    /// <summary>Forgets the lines so far, for instance a log-in that is not the subject.</summary>
    public void Clear()
    {
        lock (_lock) _lines.Clear();
    }

    /// <summary>Decodes what one side sent within a session: a line a message, without the side.</summary>
    public static IReadOnlyList<string> Decode(Side sender, ReadOnlySpan<byte> bytes)
    {
        Transcript transcript = new();
        if (sender == Side.Frontend) transcript.Frontend(bytes);
        else transcript.Backend(bytes);
        return [.. transcript.Lines.Select(line => line[2..])];
    }

    /// <exception cref="XunitException">The lines differ; the message shows them side by side.</exception>
    public void ShouldBe(string expected)
    {
        string[] wanted = expected.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        IReadOnlyList<string> actual = Lines;
        if (wanted.Length == actual.Count && wanted.Zip(actual).All(pair => Matches(pair.First, pair.Second))) return;
        throw new XunitException($"The transcript differs (- expected, + actual):\n{TextDiff.Of(wanted, actual, Matches)}");
    }

    public override string ToString() => string.Join('\n', Lines);

    private static bool Matches(string expected, string actual)
        => expected == actual
            || (expected.Contains('*', StringComparison.Ordinal)
                && Regex.IsMatch(actual, $"^{Regex.Escape(expected).Replace("\\*", ".*", StringComparison.Ordinal)}$", RegexOptions.CultureInvariant | RegexOptions.Singleline));

    private void Take(MessageSplitter splitter, string side, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            splitter.Add(bytes);
            while (splitter.Next() is { } message)
            {
                string text = message.ToString();
                _lines.Add($"{side} {text}");
                if (!message.IsTyped && text is "SSLRequest" or "GSSENCRequest") _backend.ExpectSingleByte();
            }
        }
    }
}
