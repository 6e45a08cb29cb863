using System.Globalization;
using System.Net;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Proxy.Options;

/// <summary>How values are written in the configuration.</summary>
internal static class ConfigUnits
{
    /// <summary>Reads <c>64kB</c>, <c>4MB</c>, or a bare number of bytes.</summary>
    public static bool TryBytes(string text, out long value)
        => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) || ByteSize.TryParse(text, out value);

    public static bool TryOnOff(string text, out bool value)
    {
        value = text is "on" or "true";
        return value || text is "off" or "false";
    }

    public static bool TryAddress(string text, out IPAddress value)
    {
        value = text switch { "*" => IPAddress.Any, "localhost" => IPAddress.Loopback, _ => IPAddress.None };
        if (text is "*" or "localhost") return true;
        // IPAddress.Parse takes "1" for 0.0.0.1; an address is written in full here.
        if (!text.Contains('.', StringComparison.Ordinal) && !text.Contains(':', StringComparison.Ordinal)) return false;
        if (!IPAddress.TryParse(text, out IPAddress? parsed)) return false;
        value = parsed;
        return true;
    }

    public static string Write(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The words for an enum's values: names in small letters with dashes, <c>RoundRobin</c> as <c>round-robin</c>.</summary>
internal static class EnumWords<T> where T : struct, Enum
{
    private static readonly T[] Values = Enum.GetValues<T>();

    public static readonly string[] All = Array.ConvertAll(Values, Of);

    public static bool TryParse(string text, out T value)
    {
        int index = Array.IndexOf(All, text);
        value = index < 0 ? default : Values[index];
        return index >= 0;
    }

    public static string Of(T value)
        => string.Concat(value.ToString().Select((letter, index) => (index > 0 && char.IsUpper(letter) ? "-" : "") + char.ToLowerInvariant(letter)));
}
