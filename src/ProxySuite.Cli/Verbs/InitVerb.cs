using ProxySuite.Cli.Frame;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Verbs;

internal sealed class InitVerb() : Verb("init", "Make the registry's schema, or bring an older one up, and the master key where there is none")
{
    public override IReadOnlyList<string> Examples =>
    [
        "init --registry postgres://postgres@db1/registry --master-key-file /etc/proxysuite/master.key",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        string keyFile = context.MasterKeyFile();
        bool keyCreated = !File.Exists(keyFile);
        // The registry first: a key without a registry would be taken for the right one by the next attempt, a registry without a key is not usable.
        IReadOnlyList<int> applied = await context.OpenUnchecked().InitAsync(cancellationToken);
        if (keyCreated) MasterKey.CreateFile(keyFile);
        else MasterKey.ReadFile(keyFile);
        context.Output.Answer(
            new { RegistryVersion = RegistrySchema.NeededVersion, Applied = applied, MasterKeyFile = keyFile, MasterKeyCreated = keyCreated },
            output =>
            {
                output.Line(applied.Count > 0 ? $"registry: made, version {RegistrySchema.NeededVersion}" : $"registry: up to date, version {RegistrySchema.NeededVersion}");
                output.Line(keyCreated ? $"master key: made in {keyFile}; the proxies need the same file, and without it no tenant can be reached: keep a copy" : $"master key: {keyFile}");
            });
    }
}
