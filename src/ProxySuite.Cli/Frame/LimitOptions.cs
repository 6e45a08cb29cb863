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

    private readonly Option<Limit?> _queriesPerSecond;
    private readonly Option<Limit?> _burst;
    private readonly Option<Limit?> _connectionsPerSecond;
    private readonly Option<Limit?> _concurrentQueries;
    private readonly Option<Limit?> _querySeconds;
    private readonly Option<Limit?> _bytes;
    private readonly Option<Limit?> _clientsMax;
    private readonly Option<Limit?> _pinsMax;
    private readonly Option<Limit?> _pinnedIdle;

    /// <param name="canBeNone">Whether "none" takes a limit away.</param>
    public LimitOptions(bool canBeNone)
    {
        _queriesPerSecond = Option("--queries-per-second", "Most queries a second", "N");
        _burst = Option("--burst", "Queries that may come at once; a second's worth unless given", "N");
        _connectionsPerSecond = Option("--connections-per-second", "Most new client connections a second", "N");
        _concurrentQueries = Option("--concurrent-queries", "Most queries under way at a time", "N");
        _querySeconds = Option("--query-seconds-per-minute", "Most server time of its queries in a minute, in seconds", "N");
        _bytes = Option("--bytes-per-minute", "Most bytes from and to its clients in a minute, such as 500MB", "SIZE", ByteSize.Parse);
        _clientsMax = Option("--clients-max", "Most client connections at one proxy", "N");
        _pinsMax = Option("--pins-max", "Clients that may keep a server connection for temporary tables and the like", "N");
        _pinnedIdle = Option("--pinned-idle-timeout", "How long such a client may be idle, such as 5m", "TIME", text => (long)Duration.Parse(text).TotalMilliseconds);
        _settings.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.IndexOf('=') < 1)) result.AddError("--setting is written NAME=VALUE");
        });

        Option<Limit?> Option(string name, string description, string form, Func<string, long>? parse = null) => Typed.LimitOption(name, description, form, parse ?? Count, canBeNone);
    }

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
    [
        _connections, _connectionsMin, _weight, _statementTimeout, _workMem, _queriesPerSecond, _burst, _connectionsPerSecond, _concurrentQueries, _querySeconds, _bytes, _clientsMax,
        _poolMode, _pinsMax, _pinnedIdle, _replication, _settings,
    ];

    /// <summary>True when a new plan has all that it must have.</summary>
    public bool IsWholePlan(CliContext context) => context.Get(_connections) is not null && context.Get(_statementTimeout) is not null && context.Get(_workMem) is not null;

    /// <summary>What was given; the rest is null.</summary>
    public PlanOverrides Read(CliContext context) => new()
    {
        Connections = context.Get(_connections),
        ConnectionsMin = context.Get(_connectionsMin),
        Weight = context.Get(_weight),
        StatementTimeout = context.Get(_statementTimeout),
        WorkMemBytes = context.Get(_workMem),
        QueriesPerSecond = Number(context, _queriesPerSecond),
        Burst = Number(context, _burst),
        ConnectionsPerSecond = Number(context, _connectionsPerSecond),
        ConcurrentQueries = Number(context, _concurrentQueries),
        QuerySecondsPerMinute = Number(context, _querySeconds),
        BytesPerMinute = context.Get(_bytes)?.Value,
        ClientsMax = Number(context, _clientsMax),
        PoolMode = context.Get(_poolMode),
        PinsMax = Number(context, _pinsMax),
        PinnedIdleTimeout = context.Get(_pinnedIdle)?.Value is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null,
        Replication = context.Get(_replication) is { } position ? position == Switch.On : null,
        Settings = PlanSettings.None.SetItems((context.Get(_settings) ?? []).Select(text => KeyValuePair.Create(text[..text.IndexOf('=')], text[(text.IndexOf('=') + 1)..]))),
    };

    /// <summary>The plan without the limits that were given as none.</summary>
    public Plan Clear(Plan plan, CliContext context) => plan with
    {
        QueriesPerSecond = IsNone(context, _queriesPerSecond) ? null : plan.QueriesPerSecond,
        Burst = IsNone(context, _burst) ? null : plan.Burst,
        ConnectionsPerSecond = IsNone(context, _connectionsPerSecond) ? null : plan.ConnectionsPerSecond,
        ConcurrentQueries = IsNone(context, _concurrentQueries) ? null : plan.ConcurrentQueries,
        QuerySecondsPerMinute = IsNone(context, _querySeconds) ? null : plan.QuerySecondsPerMinute,
        BytesPerMinute = IsNone(context, _bytes) ? null : plan.BytesPerMinute,
        ClientsMax = IsNone(context, _clientsMax) ? null : plan.ClientsMax,
        PinsMax = IsNone(context, _pinsMax) ? null : plan.PinsMax,
        PinnedIdleTimeout = IsNone(context, _pinnedIdle) ? null : plan.PinnedIdleTimeout,
    };

    private static int? Number(CliContext context, Option<Limit?> option) => (int?)context.Get(option)?.Value;

    private static bool IsNone(CliContext context, Option<Limit?> option) => context.Get(option) is { Value: null };

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
