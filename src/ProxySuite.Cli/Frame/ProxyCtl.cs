using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using ProxySuite.Cli.Verbs;

namespace ProxySuite.Cli.Frame;

/// <summary>The program: reads the command line, runs one verb, and says in its exit code how that went: 0 done, 1 failed, 2 wrong usage.</summary>
internal static class ProxyCtl
{
    public static async Task<int> RunAsync(string[] args, CliConsole console)
    {
        RootCommand root = Build();
        ParseResult parsed = root.Parse(args);
        var output = new Output(console, parsed.GetValue(GlobalOptions.Json));
        if (parsed.Errors.Count > 0)
        {
            (string message, string hint) = WrongUsage.Describe(parsed);
            output.Error(message, hint);
            return Failures.WrongUsage;
        }
        // Only --help and --version come with an action of their own.
        return parsed.Action is null && parsed.CommandResult.Command is Verb verb
            ? await RunAsync(verb, new CliContext(parsed, console, output))
            : await parsed.InvokeAsync(new InvocationConfiguration { Output = console.Out, Error = console.Error });
    }

    private static async Task<int> RunAsync(Verb verb, CliContext context)
    {
        using var interrupt = new CancellationTokenSource();
        ConsoleCancelEventHandler stop = (_, pressed) =>
        {
            pressed.Cancel = true;
            interrupt.Cancel();
        };
        Console.CancelKeyPress += stop;
        try
        {
            await verb.RunAsync(context, interrupt.Token);
            return Failures.Done;
        }
        catch (Exception failed) when (Failures.Describe(failed) is { } description)
        {
            context.Output.Error(description.Message, description.Hint);
            return description.ExitCode;
        }
        finally
        {
            Console.CancelKeyPress -= stop;
            await context.DisposeAsync();
        }
    }

    internal static RootCommand Build()
    {
        var root = new RootCommand("Control plane of ProxySuite: registry, shards, plans, tenants.")
        {
            GlobalOptions.Registry, GlobalOptions.MasterKeyFile, GlobalOptions.Json, GlobalOptions.Yes,
            new InitVerb(),
            new Command("shard", "PostgreSQL clusters that hold tenants")
            {
                new ShardAddVerb(), new ShardListVerb(), new ShardShowVerb(), new ShardSetVerb(), new ShardCheckVerb(), new ShardDrainVerb(), new ShardPrepareVerb(),
                new ShardProtectVerb(), new ShardRepairVerb(), new ShardRotateSealVerb(), new ShardRemoveVerb(),
            },
            new Command("plan", "What tenants may use") { new PlanListVerb(), new PlanSetVerb() },
            new Command("tenant", "Customers and their users")
            {
                new TenantCreateVerb(), new TenantListVerb(), new TenantShowVerb(), new TenantSuspendVerb(), new TenantResumeVerb(), new TenantSetPlanVerb(), new TenantSetVerb(),
                new TenantAllowVerb(), new TenantRenameVerb(), new TenantDeleteVerb(), new TenantUndeleteVerb(), new TenantPurgeVerb(),
                new TenantAddUserVerb(), new TenantSetUserVerb(), new TenantDropUserVerb(), new TenantRotatePasswordVerb(),
            },
            new Command("proxy", "The proxies of this registry") { new ProxyListVerb() },
            new Command("job", "Work of the control plane") { new JobListVerb() },
            new WorkVerb(),
            new LogVerb(),
            new DoctorVerb(),
            new TopVerb(),
            new AuditVerb(),
            new VerifierVerb(),
            new CompletionVerb(),
        };
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction help }) option.Action = new HelpWithExamples(help);
        }
        return root;
    }

    /// <summary>From nothing to a tenant that can be logged in to: what the help of the program itself ends with.</summary>
    internal static readonly string[] FirstSteps =
    [
        "export PROXYSUITE_REGISTRY=postgres://postgres:secret@db1/registry PROXYSUITE_MASTER_KEY_FILE=/etc/proxysuite/master.key",
        "proxyctl init",
        "proxyctl shard add s1 --primary postgres://postgres:secret@pg1/tenants",
        "proxyctl shard prepare s1",
        "proxyctl tenant create acme --plan starter",
        "proxyctl doctor",
        "psql 'host=PROXY port=6432 dbname=acme user=app'",
    ];
}

/// <summary>Help as usual, with the verb's examples at its end.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        (string title, IEnumerable<string> lines) = parseResult.CommandResult.Command switch
        {
            Verb verb => ("Examples:", verb.Examples.Select(example => $"proxyctl {example}")),
            RootCommand => ("First steps:", ProxyCtl.FirstSteps),
            Command group => ("Examples:", group.Subcommands.OfType<Verb>().Select(verb => $"proxyctl {verb.Examples[0]}")),
        };
        output.WriteLine(title);
        foreach (string line in lines) output.WriteLine($"  {line}");
        output.WriteLine();
        return Failures.Done;
    }
}
