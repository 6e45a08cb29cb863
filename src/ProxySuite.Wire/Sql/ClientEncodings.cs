using System.Collections.Frozen;

namespace ProxySuite.Wire.Sql;

/// <summary>Which client encodings keep SQL readable byte by byte.</summary>
public static class ClientEncodings
{
    // Characters of these end in bytes that stand for a backslash or a quote elsewhere: what a scanner reads would not be what the server reads
    // (measured: '\x83\x5c' is one character of SJIS).
    private static readonly FrozenSet<string> Unsafe = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "sjis", "shiftjis", "shiftjis2004", "big5", "gbk", "uhc", "johab", "gb18030", "mskanji",
        "win932", "windows932", "win936", "windows936", "win949", "windows949", "win950", "windows950");

    /// <summary>True unless the name is one of an encoding with such characters. PostgreSQL ignores case and anything but letters and digits.</summary>
    /// <param name="name">As a client wrote it, quoted or not.</param>
    public static bool IsSafe(string name) => !Unsafe.Contains(string.Concat(name.Where(char.IsAsciiLetterOrDigit)));
}
