namespace ProxySuite.Proxy.Options;

/// <summary>One configured value as it was written.</summary>
/// <param name="Key">Path with colons, spelled as in its source.</param>
/// <param name="Text">The value's text; true and false for JSON's literals.</param>
/// <param name="Source">Where it stands, for messages: <c>proxyd.json line 12</c>, <c>environment</c> or <c>command line</c>.</param>
public readonly record struct ConfigValue(string Key, string Text, string Source);

/// <summary>What is wrong with the configuration.</summary>
/// <param name="Key">The key as written, or empty where a file or argument as a whole is wrong.</param>
/// <param name="Reason">What is wrong and what is allowed.</param>
/// <param name="Source">Where it stands, or empty.</param>
public sealed record ConfigProblem(string Key, string Reason, string Source)
{
    /// <summary>The problem as one line for an operator.</summary>
    public override string ToString()
        => (Key.Length > 0 ? Key + ": " : "") + Reason + (Source.Length > 0 ? $" ({Source})" : "");
}

/// <summary>
/// The flat, unchecked configuration: later additions win over earlier ones. Keys are compared without regard to case,
/// as environment variables are often written in capitals.
/// </summary>
/// <remarks>Own code instead of Microsoft.Extensions.Configuration, which forgets file and line of a value, cannot tell an unknown key of ours
/// from a foreign environment variable, and reads the file by reflection at every start.</remarks>
public sealed class ConfigValues
{
    private readonly Dictionary<string, ConfigValue> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ConfigValue> _containers = [];

    /// <summary>All values, in no order.</summary>
    public IEnumerable<ConfigValue> All => _values.Values;

    /// <summary>Objects and arrays that the file names, so that an unknown empty one is noticed too.</summary>
    internal IReadOnlyList<ConfigValue> Containers => _containers;

    /// <summary>Sets a value over what was there.</summary>
    public void Set(ConfigValue value) => _values[value.Key] = value;

    /// <summary>Finds a value by its path.</summary>
    public bool TryGet(string key, out ConfigValue value) => _values.TryGetValue(key, out value);

    internal bool Has(string key) => _values.ContainsKey(key);

    internal void AddContainer(ConfigValue container) => _containers.Add(container);
}
