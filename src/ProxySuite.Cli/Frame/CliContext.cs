using System.CommandLine;
using Npgsql;
using ProxySuite.Control;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Frame;

/// <summary>One run of one verb: what was typed, where the answer goes, and the way to the registry.</summary>
internal sealed class CliContext(ParseResult parsed, CliConsole console, Output output) : IAsyncDisposable
{
    private NpgsqlDataSource? _registry;

    public Output Output => output;

    public bool Yes => parsed.GetValue(GlobalOptions.Yes);

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    /// <summary>The registry's database, whatever is in it.</summary>
    /// <exception cref="UsageException">It is not named, or not well.</exception>
    public NpgsqlDataSource Registry()
    {
        if (_registry is not null) return _registry;
        string dsn = Given(GlobalOptions.Registry, GlobalOptions.RegistryVariable)
            ?? throw new UsageException("no registry is named", $"Give --registry DSN, or set {GlobalOptions.RegistryVariable}.");
        return DsnParser.TryParse(dsn, out Dsn? read, out string? reason)
            ? _registry = RegistryDataSource.Create(read, new RegistryConnectionOptions { ApplicationName = "proxyctl" })
            : throw new UsageException($"--registry: {reason}");
    }

    /// <summary>The control plane on a registry that fits this program.</summary>
    /// <exception cref="ControlException">The database holds no registry, or one of another version.</exception>
    public async Task<ControlPlane> OpenAsync(CancellationToken cancellationToken)
    {
        RegistryVersion version = await RegistrySchema.CheckAsync(Registry(), cancellationToken);
        return version.State switch
        {
            RegistryState.Current => new ControlPlane(Registry(), Actor),
            RegistryState.Missing => throw new ControlException("this database holds no registry", "Run: proxyctl init"),
            RegistryState.Outdated => throw new ControlException($"the registry has version {version.Found}, and {version.Needed} is needed", "Run: proxyctl init"),
            _ => throw new ControlException($"the registry has version {version.Found}, newer than this program's {version.Needed}", "Use a newer proxyctl."),
        };
    }

    /// <summary>Who is at work, for the audit log.</summary>
    public static string Actor => $"{Environment.UserName}@{Environment.MachineName}";

    /// <exception cref="UsageException">It is not named.</exception>
    public string MasterKeyFile() => Given(GlobalOptions.MasterKeyFile, GlobalOptions.MasterKeyFileVariable)
        ?? throw new UsageException("no master key is named", $"Give --master-key-file FILE, or set {GlobalOptions.MasterKeyFileVariable}; proxyctl init makes the file.");

    /// <exception cref="MasterKeyException">The file cannot be used.</exception>
    public MasterKey MasterKey()
    {
        string path = MasterKeyFile();
        return File.Exists(path) ? Tenancy.Secrets.MasterKey.ReadFile(path) : throw new ControlException($"master key file {path} does not exist", "Run: proxyctl init");
    }

    /// <summary>A password from standard input: its first line.</summary>
    /// <exception cref="ControlException">Empty, or no password.</exception>
    public Secret ReadPassword() => Passwords.Require(console.In.ReadLine() ?? "");

    /// <summary>Asks before what cannot be undone.</summary>
    /// <exception cref="UsageException">Not confirmed.</exception>
    public void Confirm(string what, string answer)
    {
        if (Yes) return;
        if (!console.IsTerminal || output.IsJson) throw new UsageException($"{what} cannot be undone", "Give --yes to do it.");
        console.Error.Write($"{what} cannot be undone. Type {answer} to go on: ");
        if (console.In.ReadLine() != answer) throw new UsageException("not confirmed, nothing was done");
    }

    public ValueTask DisposeAsync() => _registry?.DisposeAsync() ?? ValueTask.CompletedTask;

    private string? Given(Option<string?> option, string variable)
    {
        string? value = parsed.GetValue(option);
        if (string.IsNullOrEmpty(value)) value = console.Environment(variable);
        return string.IsNullOrEmpty(value) ? null : value;
    }
}
