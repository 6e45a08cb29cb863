using System.CommandLine;
using ProxySuite.Control;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Frame;

/// <summary>One run of one verb: what was typed, where the answer goes, and the way to the registry.</summary>
internal sealed class CliContext(ParseResult parsed, CliConsole console, Output output) : IAsyncDisposable
{
    private ControlPlane? _control;

    public Output Output => output;

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    /// <summary>The control plane on a database, whatever is in it.</summary>
    /// <exception cref="UsageException">It is not named, or not well.</exception>
    public ControlPlane OpenUnchecked()
    {
        if (_control is not null) return _control;
        string dsn = Given(GlobalOptions.Registry, GlobalOptions.RegistryVariable)
            ?? throw new UsageException("no registry is named", $"Give --registry DSN, or set {GlobalOptions.RegistryVariable}.");
        if (!DsnParser.TryParse(dsn, out Dsn? read, out string? reason)) throw new UsageException($"--registry: {reason}");
        return _control = new ControlPlane(read, Actor) { MasterKey = MasterKeyAtHand() };
    }

    /// <summary>The control plane on a registry that fits this program.</summary>
    /// <exception cref="ControlException">The database holds no registry, or one of another version.</exception>
    public async Task<ControlPlane> OpenAsync(CancellationToken cancellationToken)
    {
        ControlPlane control = OpenUnchecked();
        await control.RequireRegistryAsync(cancellationToken);
        return control;
    }

    /// <summary>Who is at work, for the audit log.</summary>
    private static string Actor => $"{Environment.UserName}@{Environment.MachineName}";

    /// <exception cref="UsageException">It is not named.</exception>
    public string MasterKeyFile() => Given(GlobalOptions.MasterKeyFile, GlobalOptions.MasterKeyFileVariable)
        ?? throw new UsageException("no master key is named", $"Give --master-key-file FILE, or set {GlobalOptions.MasterKeyFileVariable}; proxyctl init makes the file.");

    /// <exception cref="MasterKeyException">The file cannot be used.</exception>
    public MasterKey MasterKey()
    {
        string path = MasterKeyFile();
        return File.Exists(path) ? Tenancy.Secrets.MasterKey.ReadFile(path) : throw new ControlException($"master key file {path} does not exist", "Run: proxyctl init");
    }

    /// <summary>The master key, for verbs that can do without.</summary>
    /// <returns>Null when none is named.</returns>
    /// <exception cref="MasterKeyException">The file cannot be used.</exception>
    public MasterKey? FindMasterKey() => Given(GlobalOptions.MasterKeyFile, GlobalOptions.MasterKeyFileVariable) is null ? null : MasterKey();

    /// <summary>Redis as the environment names it; null for none.</summary>
    public string? Redis => console.Environment(GlobalOptions.RedisVariable) is { Length: > 0 } redis ? redis : null;

    /// <summary>A variable of the environment; null when it is not set, or empty.</summary>
    public string? Variable(string name) => console.Environment(name) is { Length: > 0 } value ? value : null;

    /// <summary>Asks before what cuts somebody off or cannot be undone, unless --yes says so already.</summary>
    /// <param name="what">What is about to happen, as the beginning of a sentence: <c>tenant acme with all its data is removed for ever</c>.</param>
    /// <exception cref="UsageException">Nobody can be asked.</exception>
    /// <exception cref="ControlException">The answer was no.</exception>
    public void Confirm(string what)
    {
        if (Get(GlobalOptions.Yes)) return;
        if (!console.IsInputTerminal) throw new UsageException($"this needs a yes: {what}", "Give --yes; without a terminal nobody can be asked.");
        console.Error.Write($"{char.ToUpperInvariant(what[0])}{what[1..]}. Go on? [y/N] ");
        string answer = console.In.ReadLine()?.Trim() ?? "";
        if (!answer.Equals("y", StringComparison.OrdinalIgnoreCase) && !answer.Equals("yes", StringComparison.OrdinalIgnoreCase)) throw new ControlException("nothing was done");
    }

    /// <summary>The master key for work that was cut off and may need it; a verb that itself needs it says what is wrong.</summary>
    private MasterKey? MasterKeyAtHand()
    {
        if (Given(GlobalOptions.MasterKeyFile, GlobalOptions.MasterKeyFileVariable) is not { } path || !File.Exists(path)) return null;
        try
        {
            return Tenancy.Secrets.MasterKey.ReadFile(path);
        }
        catch (MasterKeyException)
        {
            return null;
        }
    }

    /// <summary>A password from standard input: its first line.</summary>
    /// <exception cref="ControlException">Empty, or no password.</exception>
    public Secret ReadPassword() => Passwords.Require(console.In.ReadLine() ?? "");

    public ValueTask DisposeAsync() => _control?.DisposeAsync() ?? ValueTask.CompletedTask;

    private string? Given(Option<string?> option, string variable)
    {
        string? value = parsed.GetValue(option);
        if (string.IsNullOrEmpty(value)) value = console.Environment(variable);
        return string.IsNullOrEmpty(value) ? null : value;
    }
}
