using System.CommandLine;
using System.Text.RegularExpressions;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Tests;

/// <summary>The command line itself: usage, exit codes, which stream gets what, help. All on one registry that nothing changes.</summary>
[Trait("Category", "Server")]
public sealed class ProxyCtlUsageTests(ProxyCtlUsageTests.NewRegistry registry) : IClassFixture<ProxyCtlUsageTests.NewRegistry>
{
    public sealed class NewRegistry : IAsyncLifetime
    {
        internal ControlWorld World { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            World = await ControlWorld.EmptyAsync(18);
            await World.MustAsync("init");
        }

        public async Task DisposeAsync() => await World.DisposeAsync();
    }

    [Fact]
    public async Task A_new_registry_has_the_four_plans()
    {
        string[] lines = (await registry.World.MustAsync("plan", "list")).Output.TrimEnd().Split('\n');
        Assert.Equal(
            [
                "NAME        STATEMENT TIMEOUT  WORK_MEM  CONNECTIONS  QUERIES/S  WEIGHT  POOL MODE  OTHER LIMITS",
                "free        5s                 4MB       2            -          1       -          -",
                "starter     30s                16MB      5            -          2       -          -",
                "growth      1m                 64MB      20           -          4       -          -",
                "enterprise  5m                 256MB     100          -          8       -          -",
            ],
            lines);
    }

    [Theory]
    [InlineData("tenant create Acme --plan free", "no tenant slug")]
    [InlineData("tenant create postgres --plan free", "reserved name")]
    [InlineData("tenant create acme", "--plan")]
    [InlineData("tenant create acme --plan free --isolation none", "--isolation: \"none\" is not one of pool, schema, database")]
    [InlineData("tenant create acme --plan free --password-stdin --generate-password", "exclude each other")]
    [InlineData("tenant create acme --plan free --template /no/such/file", "/no/such/file")]
    [InlineData("tenant create acme --plan free --colour red", "there is no option --colour of \"proxyctl tenant create\"")]
    [InlineData("shard add s1 --primary nonsense", "--primary: the DSN is neither")]
    [InlineData("shard prepare s1 --lockdown tight", "--lockdown")]
    [InlineData("plan set p --statement-timeout 30", "--statement-timeout: \"30\" is no duration")]
    [InlineData("plan set p --work-mem 4", "--work-mem: \"4\" is no size")]
    [InlineData("plan set p --connections many", "many")]
    [InlineData("plan set p --queries-per-second many", "--queries-per-second")]
    [InlineData("plan set new-plan --connections 3", "A new plan needs --connections, --statement-timeout and --work-mem")]
    [InlineData("tenant", "a verb is missing behind \"proxyctl tenant\"")]
    [InlineData("tenant shrink acme", "there is no verb \"shrink\"")]
    [InlineData("tenant crate acme --plan free", "Did you mean: proxyctl tenant create?")]
    [InlineData("shard rotate s1", "Did you mean: proxyctl shard rotate-seal?")]
    [InlineData("tennant list", "Did you mean: proxyctl tenant?")]
    [InlineData("tenant create acme --plam free", "Did you mean: --plan?")]
    [InlineData("tenant list --jsn", "Did you mean: --json?")]
    [InlineData("doctor now", "now")]
    [InlineData("", "One of: init, shard, plan, tenant")]
    public async Task Wrong_usage_ends_with_2_and_says_what_is_wrong(string arguments, string reason)
    {
        ControlWorld world = registry.World;
        string[] args = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        CliRun run = await world.RunAsync(args);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);

        CliRun json = await world.RunAsync([.. args, "--json"]);
        Assert.Equal(2, json.ExitCode);
        Assert.Empty(json.Output);
        Assert.NotEmpty(json.ErrorJson.GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("tenant show nobody", "there is no tenant \"nobody\"")]
    [InlineData("tenant create acme --plan gold", "there is no plan \"gold\"")]
    [InlineData("tenant create acme --plan free", "no shard is prepared")]
    [InlineData("tenant create acme --plan free --shard s9", "there is no shard \"s9\"")]
    [InlineData("tenant create acme --plan free --isolation schema --identity sealed", "identity sealed is for shared tables")]
    [InlineData("shard show s9", "there is no shard \"s9\"")]
    [InlineData("shard prepare s9", "there is no shard \"s9\"")]
    [InlineData("plan set free --connections 0", "connections must be 1 to 10000")]
    [InlineData("shard add S1 --primary postgres://h/d", "\"S1\" is no shard name")]
    [InlineData("shard add s1 --primary postgres://h/d --max-tenants 0", "1 to 100000 tenants")]
    public async Task A_failure_ends_with_1_and_says_what_to_do(string arguments, string reason)
    {
        ControlWorld world = registry.World;
        CliRun run = await world.RunAsync(arguments.Split(' '));
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        CliRun json = await world.RunAsync([.. arguments.Split(' '), "--json"]);
        Assert.Equal((1, ""), (json.ExitCode, json.Output));
        Assert.Contains(reason, json.ErrorJson.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_registry_or_with_an_unreachable_one_the_error_names_the_way_out()
    {
        await using ControlWorld world = await ControlWorld.EmptyAsync(18);
        CliRun empty = await world.RunAsync("tenant", "list");
        Assert.Equal(1, empty.ExitCode);
        Assert.Contains("Run: proxyctl init", empty.Error, StringComparison.Ordinal);

        CliRun unreachable = await world.RunAsync("tenant", "list", "--registry", "postgres://postgres:hush@127.0.0.1:1/none");
        Assert.Equal(1, unreachable.ExitCode);
        Assert.Contains("cannot be reached", unreachable.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", unreachable.Error, StringComparison.Ordinal);

        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(2, await ProxyCtl.RunAsync(["tenant", "list"], new CliConsole(TextReader.Null, output, error, false, _ => null)));
        Assert.Contains("PROXYSUITE_REGISTRY", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verifier_prints_what_proves_the_password()
    {
        CliRun run = await registry.World.RunAsync("correct horse\n", ["verifier"]);
        Assert.Equal(0, run.ExitCode);
        Assert.True(ScramVerifier.Parse(run.Output.Trim()).Matches("correct horse"));
    }

    [Fact]
    public async Task Verifier_makes_an_md5_hash_of_password_and_user()
    {
        CliRun run = await registry.World.RunAsync("correct horse\n", ["verifier", "--md5", "--user", "app"]);
        Assert.True(PasswordVerifier.ReadStored(run.Output.Trim()) is Md5Verifier hash && hash.Matches("app", "correct horse"));
        Assert.Equal(2, (await registry.World.RunAsync("correct horse\n", ["verifier", "--md5"])).ExitCode);
        Assert.Equal(2, (await registry.World.RunAsync("correct horse\n", ["verifier", "--user", "app"])).ExitCode);
    }

    [Fact]
    public async Task Help_of_every_verb_ends_with_examples_that_can_be_parsed()
    {
        RootCommand root = ProxyCtl.Build();
        Verb[] verbs = [.. All(root).OfType<Verb>()];
        Assert.True(verbs.Length >= 17);
        foreach (Verb verb in verbs)
        {
            string[] path = [.. verb.Parents.OfType<Command>().Where(parent => parent is not RootCommand).Reverse().Append(verb).Select(command => command.Name)];
            CliRun help = await registry.World.MustAsync([.. path, "--help"]);
            Assert.NotEmpty(verb.Examples);
            foreach (string example in verb.Examples)
            {
                Assert.Contains($"  proxyctl {example}", help.Output, StringComparison.Ordinal);
                // A shell would take away what stands behind '<', and files of examples need not exist.
                string typed = Regex.Replace(example, " (< |--template )[^ ]+", "");
                ParseResult parsed = root.Parse(typed.Replace('\'', '"'));
                Assert.Empty(parsed.Errors);
                Assert.Same(verb, parsed.CommandResult.Command);
            }
        }
    }

    [Fact]
    public async Task Help_of_the_program_and_of_its_groups_shows_how_to_begin()
    {
        CliRun help = await registry.World.MustAsync("--help");
        RootCommand root = ProxyCtl.Build();
        foreach (string line in ProxyCtl.FirstSteps)
        {
            Assert.Contains($"  {line}", help.Output, StringComparison.Ordinal);
            if (line.StartsWith("proxyctl ", StringComparison.Ordinal)) Assert.Empty(root.Parse(line["proxyctl ".Length..]).Errors);
        }
        foreach (Command group in root.Subcommands.Where(command => command.Subcommands.Count > 0))
        {
            Assert.Contains($"  proxyctl {group.Name} ", (await registry.World.MustAsync(group.Name, "--help")).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_verb_option_and_argument_says_what_it_is_and_what_it_takes()
    {
        RootCommand root = ProxyCtl.Build();
        foreach (Command command in All(root))
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), $"{command.Name} {argument.Name}"));
            foreach (Option option in command.Options)
            {
                Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name}");
                // "--until TIME" and not "--until <until>".
                if (option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0) Assert.False(string.IsNullOrWhiteSpace(option.HelpName), $"{command.Name} {option.Name}");
            }
        }
        Assert.All(All(root).Where(command => command.Subcommands.Count == 0), command => Assert.IsAssignableFrom<Verb>(command));
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
