using System.Globalization;

namespace ProxySuite.Tenancy.Units;

/// <summary>Times as users write them: a whole number and a unit, <c>250ms</c>, <c>10s</c>, <c>5m</c>, <c>48h</c>.</summary>
/// <remarks>Units: us, ms, s, m or min (PostgreSQL's spelling), h, d. A bare 0 is allowed; any other bare number is not, as no unit is the obvious one.</remarks>
public static class Duration
{
    private static readonly (string Name, long Ticks)[] Units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond), ("us", TimeSpan.TicksPerMicrosecond), ("min", TimeSpan.TicksPerMinute),
    ];

    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan value)
    {
        value = default;
        if (!Quantity.TrySplit(text, out long number, out ReadOnlySpan<char> unit)) return false;
        if (unit.IsEmpty) return number == 0;
        foreach ((string name, long ticks) in Units)
        {
            if (!unit.Equals(name, StringComparison.Ordinal)) continue;
            if (number > TimeSpan.MaxValue.Ticks / ticks) return false;
            value = TimeSpan.FromTicks(number * ticks);
            return true;
        }
        return false;
    }

    /// <exception cref="FormatException">Not a time in this form, or longer than 29 000 years.</exception>
    public static TimeSpan Parse(string text)
        => TryParse(text, out TimeSpan value) ? value : throw new FormatException($"\"{text}\" is no duration; write for example 250ms, 10s, 5m or 48h");

    /// <summary>The shortest form that <see cref="Parse"/> reads back; parts below a microsecond are cut off.</summary>
    public static string Format(TimeSpan value)
    {
        if (value < TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(value), value, "durations are not negative");
        if (value.Ticks == 0) return "0s";
        foreach ((string name, long ticks) in Units)
        {
            if (value.Ticks % ticks == 0) return string.Create(CultureInfo.InvariantCulture, $"{value.Ticks / ticks}{name}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{value.Ticks / TimeSpan.TicksPerMicrosecond}us");
    }
}
