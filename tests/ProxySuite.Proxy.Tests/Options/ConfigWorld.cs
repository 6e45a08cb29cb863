using System.Collections;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Proxy.Tests.Options;

/// <summary>A directory with what a configuration points to, and a way to load one from any of its sources.</summary>
internal sealed class ConfigWorld : IDisposable
{
    /// <summary>A registry that is well written; nothing here connects to it.</summary>
    public const string RegistryDsn = "postgres://registry@db.example/registry";

    public ConfigWorld() => MasterKey.CreateFile(MasterKeyFile);

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("proxysuite-config-").FullName;

    public string MasterKeyFile => Path.Combine(Directory, "master.key");

    public string ConfigFile => Path.Combine(Directory, "proxyd.json");

    /// <summary>Loads a file beside environment and command line; a registry and its master key are added, so that their absence is not what is wrong.</summary>
    public LoadedOptions Load(string? json = null, Dictionary<string, string>? environment = null, (string Key, string Value)[]? commandLine = null,
        bool withRegistry = true, LoadedOptions? running = null)
    {
        var variables = new Hashtable();
        foreach ((string name, string value) in environment ?? []) variables[name] = value;
        List<ConfigValue> arguments = [.. (commandLine ?? []).Select(pair => new ConfigValue(pair.Key, pair.Value, "command line"))];
        if (withRegistry)
        {
            arguments.Insert(0, new ConfigValue("Registry:ConnectionString", RegistryDsn, "command line"));
            arguments.Insert(1, new ConfigValue("Secrets:MasterKeyFile", MasterKeyFile, "command line"));
        }
        if (json is not null) File.WriteAllText(ConfigFile, json);
        return OptionsLoader.Load(new ConfigSources(json is null ? null : ConfigFile, variables, arguments), running);
    }

    /// <summary>What is wrong with one value given on the command line.</summary>
    public string[] Problems(string key, string value, bool withRegistry = true)
        => [.. Load(commandLine: [(key, value)], withRegistry: withRegistry).Problems.Select(problem => problem.ToString())];

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
