using System.Globalization;

namespace ProxySuite.Tenancy.Units;

/// <summary>A whole number with a unit behind it, blanks around and between allowed.</summary>
internal static class Quantity
{
    /// <returns>False unless the text begins with 1 to 18 digits.</returns>
    public static bool TrySplit(ReadOnlySpan<char> text, out long number, out ReadOnlySpan<char> unit)
    {
        text = text.Trim(' ');
        int digits = text.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0) digits = text.Length;
        number = 0;
        unit = text[digits..].TrimStart(' ');
        return digits is > 0 and <= 18 && long.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
