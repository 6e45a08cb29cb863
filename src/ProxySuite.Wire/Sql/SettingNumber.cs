using System.Buffers;
using System.Globalization;
using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>What a value means for a limit.</summary>
internal enum LimitCheck : byte
{
    Within,
    Above,

    /// <summary>No number at all: the server refuses it itself.</summary>
    NotANumber,
}

/// <summary>Reads numbers of settings as PostgreSQL does (guc.c, parse_int and parse_real): decimal, octal, hexadecimal, fractions, units.</summary>
internal static class SettingNumber
{
    private static readonly SearchValues<byte> Quoting = SearchValues.Create("'\"\\$"u8);
    private static readonly SearchValues<byte> Separators = SearchValues.Create(" \t\r\n\f\v(),"u8);

    /// <summary>Compares a value with a limit. What cannot be read here counts as above it: the server may read it otherwise.</summary>
    /// <param name="value">As it stands behind <c>SET name =</c>, or a string literal.</param>
    /// <param name="limit">The limit.</param>
    public static LimitCheck Check(ReadOnlySpan<byte> value, SettingLimit limit)
    {
        if (!TryUnquote(value, out string text)) return LimitCheck.Above;
        text = text.Trim(' ', '\t', '\n', '\v', '\f', '\r');
        if (text.Length == 0 || char.IsAsciiLetter(text[0])) return LimitCheck.NotANumber;
        if (!TryParse(text, limit.Unit, out double number)) return LimitCheck.Above;
        // '400us' is rounded to 0 ms, and 0 ms is no limit.
        if (limit.IsZeroNone && Math.Round(number, MidpointRounding.ToEven) == 0) return LimitCheck.Above;
        return number > limit.Max ? LimitCheck.Above : LimitCheck.Within;
    }

    public static bool TryRead(ReadOnlySpan<byte> value, SettingUnit unit, out double number)
    {
        number = 0;
        return TryUnquote(value, out string text) && text.Length > 0 && TryParse(text, unit, out number);
    }

    /// <summary>The content of a plain literal, or a bare word or number as it stands.</summary>
    /// <returns>False for what needs a server to be read: escapes, doubled quotes, strings in several parts, several tokens.</returns>
    public static bool TryUnquote(ReadOnlySpan<byte> value, out string text)
    {
        text = "";
        bool isQuoted = value.Length >= 2 && value[0] is (byte)'\'' or (byte)'"' && value[^1] == value[0];
        ReadOnlySpan<byte> inner = isQuoted ? value[1..^1] : value;
        if (inner.ContainsAny(Quoting) || (!isQuoted && inner.ContainsAny(Separators)) || inner.ContainsAnyExceptInRange((byte)'\t', (byte)'~')) return false;
        if (!isQuoted && (inner.IndexOf("--"u8) >= 0 || inner.IndexOf("/*"u8) >= 0)) return false;
        text = Encoding.ASCII.GetString(inner);
        return true;
    }

    private static bool TryParse(string text, SettingUnit unit, out double number)
    {
        number = 0;
        int at = text[0] is '+' or '-' ? 1 : 0;
        int sign = text[0] == '-' ? -1 : 1;
        int start = at;
        if (text.AsSpan(at).StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            at += 2;
            int from = at;
            while (at < text.Length && char.IsAsciiHexDigit(text[at])) at++;
            if (at == from || !long.TryParse(text.AsSpan(from, at - from), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long hex)) return false;
            number = hex;
        }
        else
        {
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.')) at++;
            bool isExponent = at < text.Length && text[at] is 'e' or 'E';
            if (isExponent)
            {
                at++;
                if (at < text.Length && text[at] is '+' or '-') at++;
                while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            }
            ReadOnlySpan<char> digits = text.AsSpan(start, at - start);
            // strtol takes a leading zero for octal.
            bool isOctal = digits.Length > 1 && digits[0] == '0' && !digits.ContainsAny('.', 'e', 'E');
            if (isOctal) return false;
            if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number)) return false;
        }
        number *= sign;
        return TryScale(text[at..].Trim(' '), unit, ref number);
    }

    private static bool TryScale(string suffix, SettingUnit unit, ref double number)
    {
        if (suffix.Length == 0) return true;
        double? factor = (unit, suffix) switch
        {
            (SettingUnit.Milliseconds, "us") => 0.001,
            (SettingUnit.Milliseconds, "ms") => 1,
            (SettingUnit.Milliseconds, "s") => 1000,
            (SettingUnit.Milliseconds, "min") => 60_000,
            (SettingUnit.Milliseconds, "h") => 3_600_000,
            (SettingUnit.Milliseconds, "d") => 86_400_000,
            (SettingUnit.Kilobytes or SettingUnit.Blocks, "B") => 1 / 1024.0,
            (SettingUnit.Kilobytes or SettingUnit.Blocks, "kB") => 1,
            (SettingUnit.Kilobytes or SettingUnit.Blocks, "MB") => 1024,
            (SettingUnit.Kilobytes or SettingUnit.Blocks, "GB") => 1024.0 * 1024,
            (SettingUnit.Kilobytes or SettingUnit.Blocks, "TB") => 1024.0 * 1024 * 1024,
            _ => null,
        };
        if (factor is null) return false;
        number *= factor.Value / (unit == SettingUnit.Blocks ? 8 : 1);
        return true;
    }
}
