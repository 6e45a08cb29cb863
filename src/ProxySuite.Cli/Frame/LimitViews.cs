using System.Globalization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Cli.Frame;

/// <summary>A plan as --json prints it. Names and meanings stay: scripts read them.</summary>
internal sealed record PlanView : OverridesView
{
    public static readonly string[] Columns = ["NAME", "STATEMENT TIMEOUT", "WORK_MEM", "CONNECTIONS", "QUERIES/S", "WEIGHT", "POOL MODE", "OTHER LIMITS"];

    private static readonly string[] Shown = ["statement timeout", "work_mem", "connections", "queries/s", "weight", "pool mode"];

    public required string Name { get; init; }

    public static PlanView Of(Plan plan) => (PlanView)new PlanView { Name = plan.Name, Settings = plan.Settings }.With(PlanOverrides.Of(plan));

    public override string Sentence() => string.Create(CultureInfo.InvariantCulture,
        $"connections {Connections}, statement timeout {StatementTimeout}, work_mem {WorkMem}, queries/s {QueriesPerSecond?.ToString(CultureInfo.InvariantCulture) ?? "unlimited"}, weight {Weight}")
        + string.Concat(Rest().Select(static part => ", " + part));

    public string[] Cells() =>
    [
        Name, StatementTimeout!, WorkMem!, Text(Connections), QueriesPerSecond is null ? "-" : Text(QueriesPerSecond),
        Text(Weight), PoolMode ?? "-", string.Join(", ", Rest()) is { Length: > 0 } rest ? rest : "-",
    ];

    // What every plan has is not worth a word unless it is something.
    private IEnumerable<string> Rest()
        => LimitParts.Of(this with { ConnectionsMin = ConnectionsMin is 0 ? null : ConnectionsMin, Replication = Replication is true ? true : null }).Where(static part => !Shown.Contains(part.Name)).Select(LimitParts.Text);

    private static string Text(int? number) => string.Create(CultureInfo.InvariantCulture, $"{number}");
}

/// <summary>What a tenant has otherwise than its plan; null where the plan counts.</summary>
internal record OverridesView
{
    public string? StatementTimeout { get; init; }

    public string? WorkMem { get; init; }

    public int? Connections { get; init; }

    public int? ConnectionsMin { get; init; }

    public int? QueriesPerSecond { get; init; }

    public int? Burst { get; init; }

    public int? ConnectionsPerSecond { get; init; }

    public int? ConcurrentQueries { get; init; }

    public int? QuerySecondsPerMinute { get; init; }

    public string? BytesPerMinute { get; init; }

    public int? ClientsMax { get; init; }

    public int? Weight { get; init; }

    public string? PoolMode { get; init; }

    public int? PinsMax { get; init; }

    public string? PinnedIdleTimeout { get; init; }

    public bool? Replication { get; init; }

    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    /// <returns>Null when there is nothing.</returns>
    public static OverridesView? Of(PlanOverrides overrides)
    {
        OverridesView view = new OverridesView { Settings = overrides.Settings }.With(overrides);
        return LimitParts.Of(view).Any() ? view : null;
    }

    public virtual string Sentence() => string.Join(", ", LimitParts.Of(this).Select(LimitParts.Text));

    /// <summary>This with those limits in it.</summary>
    protected OverridesView With(PlanOverrides limits) => this with
    {
        StatementTimeout = limits.StatementTimeout is { } time ? Duration.Format(time) : null,
        WorkMem = limits.WorkMemBytes is { } memory ? ByteSize.Format(memory) : null,
        Connections = limits.Connections,
        ConnectionsMin = limits.ConnectionsMin,
        QueriesPerSecond = limits.QueriesPerSecond,
        Burst = limits.Burst,
        ConnectionsPerSecond = limits.ConnectionsPerSecond,
        ConcurrentQueries = limits.ConcurrentQueries,
        QuerySecondsPerMinute = limits.QuerySecondsPerMinute,
        BytesPerMinute = limits.BytesPerMinute is { } bytes ? ByteSize.Format(bytes) : null,
        ClientsMax = limits.ClientsMax,
        Weight = limits.Weight,
        PoolMode = limits.PoolMode is { } mode ? EnumText.Of(mode) : null,
        PinsMax = limits.PinsMax,
        PinnedIdleTimeout = limits.PinnedIdleTimeout is { } idle ? Duration.Format(idle) : null,
        Replication = limits.Replication,
    };
}

/// <summary>Limits as people read them.</summary>
internal static class LimitParts
{
    /// <summary>Those that are there, by name.</summary>
    public static IEnumerable<(string Name, object Value)> Of(OverridesView limits)
    {
        IEnumerable<(string Name, object? Value)> parts =
        [
            ("connections", limits.Connections), ("guaranteed", limits.ConnectionsMin), ("statement timeout", limits.StatementTimeout), ("work_mem", limits.WorkMem),
            ("queries/s", limits.QueriesPerSecond), ("burst", limits.Burst), ("connections/s", limits.ConnectionsPerSecond), ("concurrent queries", limits.ConcurrentQueries),
            ("query seconds/min", limits.QuerySecondsPerMinute), ("bytes/min", limits.BytesPerMinute), ("clients", limits.ClientsMax), ("weight", limits.Weight),
            ("pool mode", limits.PoolMode), ("pins", limits.PinsMax), ("pinned idle", limits.PinnedIdleTimeout),
            ("replication", limits.Replication is { } allowed ? allowed ? "on" : "off" : null),
            .. limits.Settings.Select(static setting => (setting.Key, (object?)setting.Value)),
        ];
        return parts.Where(static part => part.Value is not null).Select(static part => (part.Name, part.Value!));
    }

    public static string Text((string Name, object Value) part) => string.Create(CultureInfo.InvariantCulture, $"{part.Name} {part.Value}");
}
