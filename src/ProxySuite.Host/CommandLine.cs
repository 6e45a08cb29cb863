using ProxySuite.Proxy.Options;

namespace ProxySuite.Host;

/// <summary>What proxyd was called with. Keys are not judged here: they may be unknown or wrong like those of the file, and are reported with them.</summary>
/// <param name="ConfigFile">The configuration file, or null for none.</param>
/// <param name="Check">Validate and exit.</param>
/// <param name="Help">Print the usage and exit.</param>
/// <param name="Version">Print the version and exit.</param>
/// <param name="Keys">Keys with their values; a later one wins.</param>
/// <param name="Problems">What is wrong with the call itself; not empty means exit code 2.</param>
internal sealed record CommandLine(
    string? ConfigFile, bool Check, bool Help, bool Version, IReadOnlyList<ConfigValue> Keys, IReadOnlyList<string> Problems)
{
    public const string Usage = """
        proxyd: multi-tenant PostgreSQL proxy

        usage: proxyd [--config FILE] [--Section:Key=value ...] [--check]

          --config FILE          read the configuration file (JSON with comments; config/proxyd.json lists every key)
          --Section:Key=value    set a key, over file and environment; also: --Section:Key value
          --check                validate the configuration, say all that is wrong with it, and exit
          --version              print the version and exit
          --help                 print this and exit

        environment: PROXYSUITE__Section__Key=value sets a key, over the file
        signals:     SIGHUP reads the configuration again; SIGTERM and SIGINT let transactions finish and stop; a second one stops at once
        exit codes:  0 stopped as asked or configuration valid; 1 failed or configuration wrong; 2 wrong usage

        """;

    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        string? configFile = null;
        bool check = false, help = false, version = false;
        var keys = new List<ConfigValue>();
        var problems = new List<string>();
        for (int index = 0; index < arguments.Count; index++)
        {
            string argument = arguments[index];
            (string name, string? value) = argument.IndexOf('=', StringComparison.Ordinal) is var at && at >= 0
                ? (argument[..at], argument[(at + 1)..])
                : (argument, null);
            switch (name)
            {
                case "--check" when value is null: check = true; break;
                case "--help" or "-h" when value is null: help = true; break;
                case "--version" when value is null: version = true; break;
                case "--config":
                    if (configFile is not null) problems.Add("--config is given twice");
                    configFile = Value() ?? configFile;
                    break;
                case ['-', '-', ..] when name.Contains(':', StringComparison.Ordinal):
                    if (Value() is { } text) keys.Add(new ConfigValue(name[2..], text, "command line"));
                    break;
                default: problems.Add($"unknown option \"{argument}\""); break;
            }

            string? Value()
            {
                if (value is null && index + 1 < arguments.Count) value = arguments[++index];
                if (value is null) problems.Add($"{name} needs a value");
                return value;
            }
        }
        return new CommandLine(configFile, check, help, version, keys, problems);
    }
}
