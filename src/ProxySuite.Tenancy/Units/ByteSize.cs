using System.Globalization;

namespace ProxySuite.Tenancy.Units;

/// <summary>Sizes as users write them: a whole number and a unit, <c>512B</c>, <c>64kB</c>, <c>4MB</c>, <c>2GB</c>; steps of 1024 as in PostgreSQL.</summary>
/// <remarks>Letter case does not matter. A bare 0 is allowed; any other bare number is not.</remarks>
public static class ByteSize
{
    private static readonly (string Name, long Bytes)[] Units = [("TB", 1L << 40), ("GB", 1L << 30), ("MB", 1L << 20), ("kB", 1L << 10), ("B", 1)];

    public static bool TryParse(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        if (!Quantity.TrySplit(text, out long number, out ReadOnlySpan<char> unit)) return false;
        if (unit.IsEmpty) return number == 0;
        foreach ((string name, long size) in Units)
        {
            if (!unit.Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
            if (number > long.MaxValue / size) return false;
            bytes = number * size;
            return true;
        }
        return false;
    }

    /// <exception cref="FormatException">Not a size in this form, or 8 EB and more.</exception>
    /// <returns>Bytes.</returns>
    public static long Parse(string text)
        => TryParse(text, out long bytes) ? bytes : throw new FormatException($"\"{text}\" is no size; write for example 64kB, 4MB or 2GB");

    /// <summary>The shortest form that <see cref="Parse"/> reads back exactly.</summary>
    public static string Format(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes == 0) return "0B";
        foreach ((string name, long size) in Units)
        {
            if (bytes % size == 0) return string.Create(CultureInfo.InvariantCulture, $"{bytes / size}{name}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{bytes}B");
    }
}
