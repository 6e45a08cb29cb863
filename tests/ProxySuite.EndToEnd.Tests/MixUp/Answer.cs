namespace ProxySuite.EndToEnd.Tests.MixUp;

/// <summary>All that came up to a ReadyForQuery, or up to the CopyInResponse that asks for data.</summary>
internal sealed class Answer
{
    /// <summary>Rows, columns separated by <c>|</c>, and lines of COPY OUT.</summary>
    public List<string> Rows { get; } = [];

    public List<string> Tags { get; } = [];

    /// <summary>SQLSTATE of the error; empty when there was none.</summary>
    public string SqlState { get; set; } = "";

    public string Error { get; set; } = "";

    /// <summary>I, T or E; G when it waits for COPY data.</summary>
    public char Status { get; set; }

    public override string ToString() => $"[{Short(Rows)}] {string.Join(",", Tags)} {SqlState} {Error} {Status}";

    public static string Short(IReadOnlyCollection<string> rows)
        => string.Join(", ", rows.Take(3).Select(row => row.Length > 60 ? $"{row[..60]}… of {row.Length}" : row)) + (rows.Count > 3 ? $", … {rows.Count} rows" : "");
}
