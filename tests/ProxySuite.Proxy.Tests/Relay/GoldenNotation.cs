using ProxySuite.Wire.Frames;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>
/// Sequences as text. <c># title</c> begins one; each line below is a message: its letter on the wire, then its fields with | between them.
/// <code>
/// Q sql            P name|sql|type oids     B portal|statement|values     D S name, D P name     E portal|rows     C S name, C P name
/// S  Sync          H  Flush                 d data  c  f reason  of COPY
/// ?Z               sends what is above and waits for that message
/// </code>
/// In all fields <c>\n</c> is a newline, <c>{x:N}</c> is x N times; a value <c>NULL</c> is NULL.
/// </summary>
internal static class GoldenNotation
{
    public static IReadOnlyList<GoldenSequence> Read(string text)
    {
        var sequences = new List<GoldenSequence>();
        string? title = null;
        var steps = new List<object>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line[0] != '#')
            {
                steps.Add(Step(line));
                continue;
            }
            if (title is not null) sequences.Add(new GoldenSequence(title, [.. steps]));
            title = line[1..].Trim();
            steps.Clear();
        }
        sequences.Add(new GoldenSequence(title!, [.. steps]));
        return sequences;
    }

    private static object Step(string line)
    {
        if (line[0] == '?') return (BackendMessage)line[1];
        string[] fields = Expand(line.Length > 2 ? line[2..] : "").Split('|');
        return line[0] switch
        {
            'Q' => Query(string.Join('|', fields)),
            'P' => Parse(fields[0], Field(fields, 1), [.. Values(fields, 2).Select(uint.Parse!)]),
            'B' => Bind(fields[0], Field(fields, 1), Values(fields, 2)),
            'D' when fields[0].StartsWith('S') => DescribeStatement(fields[0][1..].Trim()),
            'D' => DescribePortal(fields[0][1..].Trim()),
            'E' => Execute(fields[0], fields.Length > 1 ? int.Parse(fields[1], System.Globalization.CultureInfo.InvariantCulture) : 0),
            'C' when fields[0].StartsWith('S') => CloseStatement(fields[0][1..].Trim()),
            'C' => ClosePortal(fields[0][1..].Trim()),
            'S' => Sync,
            'H' => Flush,
            'd' => CopyData(fields[0]),
            'c' => CopyDone,
            'f' => CopyFail(fields[0]),
            _ => throw new FormatException($"no such step: {line}"),
        };
    }

    private static string Field(string[] fields, int index) => fields.Length > index ? fields[index] : "";

    private static string?[] Values(string[] fields, int index)
        => fields.Length <= index || fields[index].Length == 0 ? [] : [.. fields[index].Split(',').Select(value => value == "NULL" ? null : value)];

    private static string Expand(string text)
    {
        text = text.Replace("\\n", "\n", StringComparison.Ordinal);
        while (text.IndexOf('{', StringComparison.Ordinal) is >= 0 and int start)
        {
            int end = text.IndexOf('}', start);
            string[] parts = text[(start + 1)..end].Split(':');
            string run = string.Concat(Enumerable.Repeat(parts[0], int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)));
            text = text[..start] + run + text[(end + 1)..];
        }
        return text;
    }
}
