using System.Globalization;
using System.Net;

namespace ProxySuite.Proxy.Options;

/// <summary>How values are written in the configuration.</summary>
internal static class ConfigUnits
{
    private static readonly (string Suffix, TimeSpan Unit)[] Durations =
        [("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1))];

    // As in postgresql.conf, the multiplier is 1024 and kB has a small k.
    private static readonly (string Suffix, long Unit)[] Sizes = [("kB", 1L << 10), ("MB", 1L << 20), ("GB", 1L << 30), ("B", 1)];

    /// <summary>Reads <c>250ms</c>, <c>10s</c>, <c>5m</c>, <c>48h</c>, <c>7d</c>, or a bare 0.</summary>
    public static bool TryDuration(string text, out TimeSpan value)
    {
        value = default;
        if (text == "0") return true;
        foreach ((string suffix, TimeSpan unit) in Durations)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal) || !TryCount(text, suffix, out long count)) continue;
            if (count > TimeSpan.MaxValue.Ticks / unit.Ticks) return false;
            value = unit * count;
            return true;
        }
        return false;
    }

    /// <summary>Reads <c>64kB</c>, <c>4MB</c>, <c>1GB</c>, <c>100B</c>, or a bare number of bytes.</summary>
    public static bool TryBytes(string text, out long value)
    {
        if (TryCount(text, "", out value)) return true;
        foreach ((string suffix, long unit) in Sizes)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal) || !TryCount(text, suffix, out long count)) continue;
            if (count > long.MaxValue / unit) return false;
            value = unit * count;
            return true;
        }
        return false;
    }

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

    /// <summary>The shortest text that <see cref="TryDuration"/> reads back, in the largest unit that fits.</summary>
    public static string Write(TimeSpan value)
    {
        if (value == TimeSpan.Zero) return "0";
        for (int index = Durations.Length - 1; index > 0; index--)
            if (value.Ticks % Durations[index].Unit.Ticks == 0) return Write(value.Ticks / Durations[index].Unit.Ticks) + Durations[index].Suffix;
        return Write((long)value.TotalMilliseconds) + "ms";
    }

    /// <summary>The shortest text that <see cref="TryBytes"/> reads back.</summary>
    public static string WriteBytes(long value)
    {
        for (int index = 2; index >= 0; index--)
            if (value != 0 && value % Sizes[index].Unit == 0) return Write(value / Sizes[index].Unit) + Sizes[index].Suffix;
        return Write(value);
    }

    private static bool TryCount(string text, string suffix, out long count)
        => long.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out count);
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
