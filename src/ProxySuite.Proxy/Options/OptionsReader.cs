using System.Globalization;
using System.Net;
using Units = ProxySuite.Tenancy.Units;

namespace ProxySuite.Proxy.Options;

/// <summary>Whether a changed key acts on reload.</summary>
public enum Reload : byte
{
    /// <summary>The process keeps the value it started with.</summary>
    Restart,

    /// <summary>A reload puts it in force.</summary>
    Live,
}

/// <summary>A key that exists.</summary>
/// <param name="Path">Its path with colons.</param>
/// <param name="Default">Its default as one would write it; empty for none.</param>
/// <param name="Allowed">What it may be, in words.</param>
/// <param name="Reload">Whether a reload reaches it.</param>
public sealed record OptionKey(string Path, string Default, string Allowed, Reload Reload);

/// <summary>
/// Turns configured text into options and collects all that is wrong on the way. Whatever an options class asks for is a key that exists;
/// what nobody asked for is unknown.
/// </summary>
/// <param name="values">The configuration to read.</param>
/// <param name="running">On reload the configuration in force: keys that need a restart are taken from it.</param>
internal sealed class OptionsReader(ConfigValues values, ConfigValues? running = null)
{
    private readonly Dictionary<string, OptionKey> _keys = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _containers = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Keys asked for so far.</summary>
    public IReadOnlyCollection<OptionKey> Keys => _keys.Values;

    /// <summary>Lists asked for so far, such as <c>Admin:Users</c>.</summary>
    public HashSet<string> Lists { get; } = new(StringComparer.OrdinalIgnoreCase);

    public List<ConfigProblem> Problems { get; } = [];

    /// <summary>Keys whose new value waits for a restart.</summary>
    public List<string> NeedRestart { get; } = [];

    /// <summary>Where a key is written; empty where it is not.</summary>
    public string SourceOf(string key) => values.TryGet(key, out ConfigValue value) ? value.Source : "";

    public SectionReader Section(string name)
    {
        _containers.Add(name);
        return new(this, name);
    }

    /// <summary>Adds a problem for each configured key that no options class asked for.</summary>
    public void RefuseUnknownKeys()
    {
        foreach (ConfigValue value in values.All.OrderBy(value => value.Key, StringComparer.OrdinalIgnoreCase))
        {
            if (_keys.ContainsKey(value.Key)) continue;
            string reason = Lists.Contains(value.Key) ? "is a list of objects, not a value"
                : _containers.Contains(value.Key) ? "is a section, not a value"
                : "unknown key" + KeySuggestion.For(value.Key, _keys.Keys);
            Problems.Add(new ConfigProblem(value.Key, reason, value.Source));
        }
        foreach (ConfigValue container in values.Containers)
        {
            if (_containers.Contains(container.Key) || values.All.Any(value => IsInside(value.Key, container.Key))) continue;
            Problems.Add(new ConfigProblem(container.Key, "unknown section" + KeySuggestion.For(container.Key, _containers), container.Source));
        }
    }

    public bool TryGet(OptionKey key, out ConfigValue value)
    {
        _keys[key.Path] = key;
        bool found = values.TryGet(key.Path, out value);
        if (running is null || key.Reload == Reload.Live) return found;
        bool wasFound = running.TryGet(key.Path, out ConfigValue was);
        if (found != wasFound || value.Text != was.Text) NeedRestart.Add(key.Path);
        value = was;
        return wasFound;
    }

    /// <summary>The numbers N for which something stands under <c>path:N</c>, in order.</summary>
    public IReadOnlyList<int> Indices(string path)
    {
        Lists.Add(path);
        _containers.Add(path);
        var indices = new SortedSet<int>();
        foreach (string key in values.All.Select(value => value.Key).Concat(values.Containers.Select(container => container.Key)))
        {
            if (!IsInside(key, path)) continue;
            string rest = key[(path.Length + 1)..];
            int end = rest.IndexOf(':', StringComparison.Ordinal);
            if (int.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int index)) indices.Add(index);
        }
        return [.. indices];
    }

    public void AddContainer(string path) => _containers.Add(path);

    private static bool IsInside(string key, string container)
        => key.Length > container.Length && key[container.Length] == ':' && key.StartsWith(container, StringComparison.OrdinalIgnoreCase);
}

/// <summary>The keys of one section, or of one item of a list. Each method names a key, its default and its range, and returns the value in force;
/// where the configured text is wrong it notes the problem and returns the default.</summary>
internal sealed class SectionReader(OptionsReader reader, string path)
{
    private const string DurationForm = "a duration such as 250ms, 10s, 5m or 48h";

    /// <summary>Any text. It never fails to parse, so no message repeats it: it may hold a secret.</summary>
    public string Text(string name, string defaultValue, Reload reload = Reload.Restart)
        => Read(name, defaultValue, "text", reload, (string text, out string value) => { value = text; return true; }, defaultValue);

    /// <summary>Text that must be there.</summary>
    public string Required(string name, Reload reload)
    {
        string value = Text(name, "", reload);
        if (value.Length == 0) reader.Problems.Add(new ConfigProblem($"{path}:{name}", "is missing", ""));
        return value;
    }

    /// <summary>Notes what is wrong with a value that was read, such as a file it names.</summary>
    public void Problem(string name, string reason)
    {
        string key = $"{path}:{name}";
        reader.Problems.Add(new ConfigProblem(key, reason, reader.SourceOf(key)));
    }

    public int Integer(string name, int defaultValue, int min, int max, Reload reload = Reload.Restart)
        => Read(name, defaultValue, $"a whole number from {min} to {max}", reload,
            (string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= min && value <= max,
            defaultValue.ToString(CultureInfo.InvariantCulture));

    public long Bytes(string name, long defaultValue, long min, long max, Reload reload = Reload.Restart)
        => Read(name, defaultValue, $"a size from {Units.ByteSize.Format(min)} to {Units.ByteSize.Format(max)}, such as 64kB or 4MB", reload,
            (string text, out long value) => ConfigUnits.TryBytes(text, out value) && value >= min && value <= max,
            Units.ByteSize.Format(defaultValue));

    public TimeSpan Duration(string name, TimeSpan defaultValue, TimeSpan min, TimeSpan max, Reload reload = Reload.Restart, TimeSpan unit = default)
        => Duration(name, defaultValue, min, max, orOff: false, reload, unit);

    /// <summary>As <see cref="Duration(string, TimeSpan, TimeSpan, TimeSpan, Reload, TimeSpan)"/>, and 0 switches off what it bounds.</summary>
    public TimeSpan DurationOrOff(string name, TimeSpan defaultValue, TimeSpan min, TimeSpan max, Reload reload = Reload.Restart, TimeSpan unit = default)
        => Duration(name, defaultValue, min, max, orOff: true, reload, unit);

    public bool OnOff(string name, bool defaultValue, Reload reload = Reload.Restart)
        => Read(name, defaultValue, "on or off", reload, ConfigUnits.TryOnOff, defaultValue ? "on" : "off");

    public IPAddress Address(string name, IPAddress defaultValue, Reload reload = Reload.Restart)
        => Read(name, defaultValue, "an IPv4 or IPv6 address, localhost or *", reload, ConfigUnits.TryAddress, defaultValue.ToString());

    public T OneOf<T>(string name, T defaultValue, Reload reload = Reload.Restart) where T : struct, Enum
        => Read(name, defaultValue, "one of " + string.Join(", ", EnumWords<T>.All), reload, EnumWords<T>.TryParse, EnumWords<T>.Of(defaultValue));

    /// <summary>The items of a list, in order; items are read as sections are.</summary>
    public IEnumerable<SectionReader> Items(string name, int itemsMax)
    {
        IReadOnlyList<int> indices = reader.Indices($"{path}:{name}");
        if (indices.Count > itemsMax) reader.Problems.Add(new ConfigProblem($"{path}:{name}", $"has {indices.Count} items; at most {itemsMax} are allowed", ""));
        foreach (int index in indices.Take(itemsMax))
        {
            string item = $"{path}:{name}:{index}";
            reader.AddContainer(item);
            yield return new SectionReader(reader, item);
        }
    }

    private TimeSpan Duration(string name, TimeSpan defaultValue, TimeSpan min, TimeSpan max, bool orOff, Reload reload, TimeSpan unit)
        => Read(name, defaultValue,
            $"{DurationForm}, {(orOff ? "0 for off, or " : "")}from {Units.Duration.Format(min)} to {Units.Duration.Format(max)}"
                + (unit > TimeSpan.Zero ? $" in steps of {Units.Duration.Format(unit)}" : ""),
            reload,
            (string text, out TimeSpan value) => Units.Duration.TryParse(text, out value)
                && ((orOff && value == TimeSpan.Zero) || (value >= min && value <= max))
                && (unit == TimeSpan.Zero || value.Ticks % unit.Ticks == 0),
            Units.Duration.Format(defaultValue));

    private delegate bool Parse<T>(string text, out T value);

    private T Read<T>(string name, T defaultValue, string allowed, Reload reload, Parse<T> parse, string defaultText)
    {
        var key = new OptionKey($"{path}:{name}", defaultText, allowed, reload);
        if (!reader.TryGet(key, out ConfigValue configured)) return defaultValue;
        if (parse(configured.Text, out T value)) return value;
        reader.Problems.Add(new ConfigProblem(key.Path, $"\"{configured.Text}\" is not {allowed}", configured.Source));
        return defaultValue;
    }
}
