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
            output.Error(string.Join("; ", parsed.Errors.Select(error => error.Message)), $"See: proxyctl {Path(parsed)}--help");
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

    /// <summary>The verb as typed, for a hint: <c>"tenant create "</c>.</summary>
    private static string Path(ParseResult parsed)
    {
        IEnumerable<string> names = parsed.CommandResult.Command.Parents.OfType<Command>().Reverse().Append(parsed.CommandResult.Command)
            .Where(command => command is not RootCommand).Select(command => command.Name);
        return string.Concat(names.Select(name => name + " "));
    }
}

/// <summary>Help as usual, with the verb's examples at its end.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not Verb verb) return Failures.Done;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in verb.Examples) output.WriteLine($"  proxyctl {example}");
        output.WriteLine();
        return Failures.Done;
    }
}
