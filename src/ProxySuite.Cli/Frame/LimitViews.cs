using System.Globalization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Cli.Frame;

/// <summary>A plan as --json prints it. Names and meanings stay: scripts read them.</summary>
internal sealed record PlanView
{
    public static readonly string[] Columns = ["NAME", "STATEMENT TIMEOUT", "WORK_MEM", "CONNECTIONS", "QUERIES/S", "WEIGHT", "POOL MODE", "OTHER LIMITS"];

    private static readonly string[] Shown = ["statement timeout", "work_mem", "connections", "queries/s", "weight", "pool mode"];

    public required string Name { get; init; }

    public required string StatementTimeout { get; init; }

    public required string WorkMem { get; init; }

    public required int Connections { get; init; }

    public int ConnectionsMin { get; init; }

    public int? QueriesPerSecond { get; init; }

    public int? Burst { get; init; }

    public int? ConnectionsPerSecond { get; init; }

    public int? ConcurrentQueries { get; init; }

    public int? QuerySecondsPerMinute { get; init; }

    public string? BytesPerMinute { get; init; }

    public int? ClientsMax { get; init; }

    public int Weight { get; init; }

    public string? PoolMode { get; init; }

    public int? PinsMax { get; init; }

    public string? PinnedIdleTimeout { get; init; }

    public bool Replication { get; init; }

    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    public static PlanView Of(Plan plan) => new()
    {
        Name = plan.Name,
        StatementTimeout = Duration.Format(plan.StatementTimeout),
        WorkMem = ByteSize.Format(plan.WorkMemBytes),
        Connections = plan.Connections,
        ConnectionsMin = plan.ConnectionsMin,
        QueriesPerSecond = plan.QueriesPerSecond,
        Burst = plan.Burst,
        ConnectionsPerSecond = plan.ConnectionsPerSecond,
        ConcurrentQueries = plan.ConcurrentQueries,
        QuerySecondsPerMinute = plan.QuerySecondsPerMinute,
        BytesPerMinute = plan.BytesPerMinute is { } bytes ? ByteSize.Format(bytes) : null,
        ClientsMax = plan.ClientsMax,
        Weight = plan.Weight,
        PoolMode = plan.PoolMode is { } mode ? EnumText.Of(mode) : null,
        PinsMax = plan.PinsMax,
        PinnedIdleTimeout = plan.PinnedIdleTimeout is { } idle ? Duration.Format(idle) : null,
        Replication = plan.Replication,
        Settings = plan.Settings,
    };

    public string Sentence() => string.Create(CultureInfo.InvariantCulture,
        $"connections {Connections}, statement timeout {StatementTimeout}, work_mem {WorkMem}, queries/s {QueriesPerSecond?.ToString(CultureInfo.InvariantCulture) ?? "unlimited"}, weight {Weight}")
        + string.Concat(Rest().Select(static part => ", " + part));

    public string[] Cells() =>
    [
        Name, StatementTimeout, WorkMem, Connections.ToString(CultureInfo.InvariantCulture), QueriesPerSecond?.ToString(CultureInfo.InvariantCulture) ?? "-",
        Weight.ToString(CultureInfo.InvariantCulture), PoolMode ?? "-", string.Join(", ", Rest()) is { Length: > 0 } rest ? rest : "-",
    ];

    private IEnumerable<string> Rest() => LimitParts.Of(AsOverrides()).Where(static part => !Shown.Contains(part.Name)).Select(LimitParts.Text);

    private OverridesView AsOverrides() => new()
    {
        ConnectionsMin = ConnectionsMin == 0 ? null : ConnectionsMin,
        Burst = Burst,
        ConnectionsPerSecond = ConnectionsPerSecond,
        ConcurrentQueries = ConcurrentQueries,
        QuerySecondsPerMinute = QuerySecondsPerMinute,
        BytesPerMinute = BytesPerMinute,
        ClientsMax = ClientsMax,
        PinsMax = PinsMax,
        PinnedIdleTimeout = PinnedIdleTimeout,
        Replication = Replication ? true : null,
        Settings = Settings,
    };
}

/// <summary>What a tenant has otherwise than its plan; null where the plan counts.</summary>
internal sealed record OverridesView
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
        var view = new OverridesView
        {
            StatementTimeout = overrides.StatementTimeout is { } time ? Duration.Format(time) : null,
            WorkMem = overrides.WorkMemBytes is { } memory ? ByteSize.Format(memory) : null,
            Connections = overrides.Connections,
            ConnectionsMin = overrides.ConnectionsMin,
            QueriesPerSecond = overrides.QueriesPerSecond,
            Burst = overrides.Burst,
            ConnectionsPerSecond = overrides.ConnectionsPerSecond,
            ConcurrentQueries = overrides.ConcurrentQueries,
            QuerySecondsPerMinute = overrides.QuerySecondsPerMinute,
            BytesPerMinute = overrides.BytesPerMinute is { } bytes ? ByteSize.Format(bytes) : null,
            ClientsMax = overrides.ClientsMax,
            Weight = overrides.Weight,
            PoolMode = overrides.PoolMode is { } mode ? EnumText.Of(mode) : null,
            PinsMax = overrides.PinsMax,
            PinnedIdleTimeout = overrides.PinnedIdleTimeout is { } idle ? Duration.Format(idle) : null,
            Replication = overrides.Replication,
            Settings = overrides.Settings,
        };
        return LimitParts.Of(view).Any() ? view : null;
    }

    public string Sentence() => string.Join(", ", LimitParts.Of(this).Select(LimitParts.Text));
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
