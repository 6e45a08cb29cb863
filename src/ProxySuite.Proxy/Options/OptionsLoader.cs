using System.Collections;

namespace ProxySuite.Proxy.Options;

/// <summary>What came of reading the configuration.</summary>
/// <param name="Options">The options; to be used only where <paramref name="Problems"/> is empty.</param>
/// <param name="Values">The configured text they were read from.</param>
/// <param name="Keys">Every key that exists, in the order of the sections.</param>
/// <param name="Problems">All that is wrong; empty when nothing is.</param>
/// <param name="NeedRestart">On reload, the keys whose new value is not in force before a restart.</param>
public sealed record LoadedOptions(
    ProxyOptions Options, ConfigValues Values, IReadOnlyCollection<OptionKey> Keys, IReadOnlyList<ConfigProblem> Problems, IReadOnlyList<string> NeedRestart);

/// <summary>Where configuration comes from: the file, over it the environment, over that the command line.</summary>
/// <param name="ConfigFilePath">The file, or null for none.</param>
/// <param name="Environment">Environment variables.</param>
/// <param name="CommandLine">Keys given on the command line.</param>
public sealed record ConfigSources(string? ConfigFilePath, IDictionary Environment, IReadOnlyList<ConfigValue> CommandLine);

/// <summary>Reads, checks and snapshots the configuration (D6): unknown keys, wrong values and broken rules are all reported, in one go.</summary>
public static class OptionsLoader
{
    /// <summary>Reads all sources.</summary>
    /// <param name="sources">Where to read.</param>
    /// <param name="running">On reload the configuration in force; keys that need a restart keep its values.</param>
    public static LoadedOptions Load(ConfigSources sources, LoadedOptions? running = null)
    {
        var values = new ConfigValues();
        var problems = new List<ConfigProblem>();
        if (sources.ConfigFilePath is { } path) ConfigFile.Read(path, values, problems);
        ConfigEnvironment.Read(sources.Environment, values);
        foreach (ConfigValue value in sources.CommandLine) values.Set(value);
        return Check(values, problems, running);
    }

    internal static LoadedOptions Check(ConfigValues values, List<ConfigProblem> problems, LoadedOptions? running)
    {
        var reader = new OptionsReader(values, running?.Values);
        ProxyOptions options = ProxyOptions.Read(reader);
        reader.RefuseUnknownKeys();
        problems.AddRange(reader.Problems);
        foreach (ConfigProblem problem in OptionsRules.Check(options))
            problems.Add(values.TryGet(problem.Key, out ConfigValue value) ? problem with { Source = value.Source } : problem);
        return new LoadedOptions(options, reader.NeedRestart.Count > 0 ? Effective(values, running!, reader) : values, reader.Keys, problems, reader.NeedRestart);
    }

    /// <summary>The new text with the old text of keys that wait for a restart, so that the next reload still knows what the process runs with.</summary>
    private static ConfigValues Effective(ConfigValues values, LoadedOptions running, OptionsReader reader)
    {
        var effective = new ConfigValues();
        foreach (ConfigValue value in values.All)
            if (!reader.NeedRestart.Contains(value.Key, StringComparer.OrdinalIgnoreCase)) effective.Set(value);
        foreach (string key in reader.NeedRestart)
            if (running.Values.TryGet(key, out ConfigValue was)) effective.Set(was);
        return effective;
    }
}
