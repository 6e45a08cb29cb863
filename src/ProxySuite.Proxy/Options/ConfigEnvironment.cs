using System.Collections;

namespace ProxySuite.Proxy.Options;

/// <summary>Reads keys from environment variables: <c>PROXYSUITE__Section__Key</c>, two underscores where a key has a colon.</summary>
public static class ConfigEnvironment
{
    /// <summary>Whatever begins so is ours, and an error if it is unknown. Kubernetes' own PROXYSUITE_… variables for a service of that name have one underscore.</summary>
    public const string Prefix = "PROXYSUITE__";

    /// <summary>Adds the variables that begin with <see cref="Prefix"/> in any case of letters.</summary>
    /// <param name="variables">Names and values, as from <see cref="Environment.GetEnvironmentVariables()"/>.</param>
    /// <param name="values">Receives them.</param>
    public static void Read(IDictionary variables, ConfigValues values)
    {
        foreach (DictionaryEntry variable in variables)
        {
            var name = (string)variable.Key;
            if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) continue;
            string key = name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal);
            values.Set(new ConfigValue(key, (string?)variable.Value ?? "", $"environment variable {name}"));
        }
    }
}
