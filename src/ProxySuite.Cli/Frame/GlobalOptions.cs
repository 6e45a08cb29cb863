using System.CommandLine;

namespace ProxySuite.Cli.Frame;

/// <summary>Options of every verb.</summary>
internal static class GlobalOptions
{
    public const string RegistryVariable = "PROXYSUITE_REGISTRY";
    public const string RedisVariable = "PROXYSUITE_REDIS";
    public const string MasterKeyFileVariable = "PROXYSUITE_MASTER_KEY_FILE";

    public static readonly Option<string?> Registry = new("--registry")
    {
        Description = $"DSN of the registry's database, postgres://… or Host=…;Database=… [{RegistryVariable}]",
        HelpName = "DSN",
        Recursive = true,
    };

    public static readonly Option<string?> MasterKeyFile = new("--master-key-file")
    {
        Description = $"File with the master key, as the proxies have it [{MasterKeyFileVariable}]",
        HelpName = "FILE",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON instead of tables", Recursive = true };

    /// <summary>Taken by every verb, so that scripts may always give it; asked for by those that cut somebody off or remove something.</summary>
    public static readonly Option<bool> Yes = new("--yes") { Description = "Do not ask before what cannot be undone", Recursive = true };
}
