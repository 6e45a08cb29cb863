using System.CommandLine;
using System.Globalization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Cli.Frame;

/// <summary>The options for a plan's limits, the same for plans and for what one tenant has otherwise.</summary>
internal sealed class LimitOptions
{
    private readonly Option<int?> _connections = Typed.CountOption("--connections", "Most server connections of one tenant");
    private readonly Option<int?> _connectionsMin = Typed.CountOption("--connections-min", "Server connections that it gets on a crowded shard in any case");
    private readonly Option<int?> _weight = Typed.CountOption("--weight", "Share of a crowded shard, 1 to 1000");
    private readonly Option<TimeSpan?> _statementTimeout = Typed.DurationOption("--statement-timeout", "Longest time of one statement, such as 30s");
    private readonly Option<long?> _workMem = Typed.SizeOption("--work-mem", "Memory of one sort or hash, such as 16MB");
    private readonly Option<PoolMode?> _poolMode = Typed.ChoiceOption<PoolMode>("--pool-mode", "When a server connection goes back to the pool");
    private readonly Option<Switch?> _replication = Typed.ChoiceOption<Switch>("--replication", "Whether clients may open logical replication connections; database model only");
    private readonly Option<string[]> _settings = new("--setting") { Description = "A run-time parameter of its server connections; may be given several times", HelpName = "NAME=VALUE" };

    // Those that may be left out, each with what it sets; null takes the limit away.
    private readonly (Option<Limit?> Option, Func<PlanLimits, long?, PlanLimits> Set)[] _limits;

    /// <param name="canBeNone">Whether "none" takes a limit away.</param>
    public LimitOptions(bool canBeNone)
    {
        _limits =
        [
            (Option("--queries-per-second", "Most queries a second", "N"), static (to, value) => to with { QueriesPerSecond = (int?)value }),
            (Option("--burst", "Queries that may come at once; a second's worth unless given", "N"), static (to, value) => to with { Burst = (int?)value }),
            (Option("--connections-per-second", "Most new client connections a second", "N"), static (to, value) => to with { ConnectionsPerSecond = (int?)value }),
            (Option("--concurrent-queries", "Most queries under way at a time", "N"), static (to, value) => to with { ConcurrentQueries = (int?)value }),
            (Option("--query-seconds-per-minute", "Most server time of its queries in a minute, in seconds", "N"), static (to, value) => to with { QuerySecondsPerMinute = (int?)value }),
            (Option("--bytes-per-minute", "Most bytes from and to its clients in a minute, such as 500MB", "SIZE", ByteSize.Parse), static (to, value) => to with { BytesPerMinute = value }),
            (Option("--clients-max", "Most client connections at one proxy", "N"), static (to, value) => to with { ClientsMax = (int?)value }),
            (Option("--pins-max", "Clients that may keep a server connection for temporary tables and the like", "N"), static (to, value) => to with { PinsMax = (int?)value }),
            (Option("--pinned-idle-timeout", "How long such a client may be idle, such as 5m", "TIME", text => (long)Duration.Parse(text).TotalMilliseconds),
                static (to, value) => to with { PinnedIdleTimeout = value is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null }),
        ];
        _settings.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.IndexOf('=') < 1)) result.AddError("--setting is written NAME=VALUE");
        });

        Option<Limit?> Option(string name, string description, string form, Func<string, long>? parse = null) => Typed.LimitOption(name, description, form, parse ?? Count, canBeNone);
    }

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
        [_connections, _connectionsMin, _weight, _statementTimeout, _workMem, .. _limits.Select(static limit => limit.Option), _poolMode, _replication, _settings];

    /// <summary>True when a new plan has all that it must have.</summary>
    public bool IsWholePlan(CliContext context) => context.Get(_connections) is not null && context.Get(_statementTimeout) is not null && context.Get(_workMem) is not null;

    /// <summary>What was given; the rest is null.</summary>
    public PlanOverrides Read(CliContext context)
    {
        PlanLimits given = new PlanOverrides
        {
            Connections = context.Get(_connections),
            ConnectionsMin = context.Get(_connectionsMin),
            Weight = context.Get(_weight),
            StatementTimeout = context.Get(_statementTimeout),
            WorkMemBytes = context.Get(_workMem),
            PoolMode = context.Get(_poolMode),
            Replication = context.Get(_replication) is { } position ? position == Switch.On : null,
            Settings = PlanSettings.None.SetItems((context.Get(_settings) ?? []).Select(text => KeyValuePair.Create(text[..text.IndexOf('=')], text[(text.IndexOf('=') + 1)..]))),
        };
        foreach ((Option<Limit?> option, Func<PlanLimits, long?, PlanLimits> set) in _limits) given = set(given, context.Get(option)?.Value);
        return (PlanOverrides)given;
    }

    /// <summary>The plan without the limits that were given as none.</summary>
    public Plan Clear(Plan plan, CliContext context)
    {
        PlanLimits cleared = plan;
        foreach ((Option<Limit?> option, Func<PlanLimits, long?, PlanLimits> set) in _limits)
        {
            if (context.Get(option) is { Value: null }) cleared = set(cleared, null);
        }
        return (Plan)cleared;
    }

    private static long Count(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"\"{text}\" is no number");
}

/// <summary>A limit as it is written: a number, or none.</summary>
internal readonly record struct Limit(long? Value);

internal enum Switch
{
    On,
    Off,
}
