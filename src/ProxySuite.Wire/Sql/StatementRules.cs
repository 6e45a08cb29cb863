namespace ProxySuite.Wire.Sql;

/// <summary>What a session's statements may be, as <see cref="StatementFilter"/> applies it. Immutable; shared by all sessions of one kind.</summary>
public sealed class StatementRules
{
    /// <summary>Only statements on the list of known harmless ones; otherwise all but those known to harm others.</summary>
    public bool IsStrict { get; init; }

    /// <summary>LOCK TABLE reaches tables of this tenant alone.</summary>
    public bool AllowsTableLocks { get; init; }

    /// <summary>PREPARE TRANSACTION: the session keeps its server, so it can be finished there.</summary>
    public bool AllowsTwoPhase { get; init; }

    /// <summary>CREATE, ALTER and DROP of tables and the like, under strict rules.</summary>
    public bool AllowsDdl { get; init; }

    /// <summary>EXPLAIN under strict rules: its row estimates tell of all rows of a table, whoever may read them.</summary>
    public bool AllowsExplain { get; init; }

    /// <summary>LISTEN and NOTIFY under strict rules: what is said reaches the own tenant alone.</summary>
    public bool AllowsNotifications { get; init; }

    /// <summary>Settings that carry an identity: they take the value that they have, or none. Names in lower case.</summary>
    public IReadOnlyDictionary<string, string?> Guarded { get; init; } = new Dictionary<string, string?>();

    /// <summary>Settings that a client may lower and not raise, by name in lower case.</summary>
    public IReadOnlyDictionary<string, SettingLimit> Limits { get; init; } = new Dictionary<string, SettingLimit>();
}

/// <summary>What a number of a setting counts.</summary>
public enum SettingUnit : byte
{
    None,
    Milliseconds,
    Kilobytes,

    /// <summary>Blocks of 8 kB.</summary>
    Blocks,
}

/// <summary>The largest value that a setting may be given.</summary>
/// <param name="Unit">What a number without a unit counts.</param>
/// <param name="Max">In that unit.</param>
/// <param name="MaxText">The same as SQL would have it, such as <c>5000ms</c>; without quotes.</param>
/// <param name="IsZeroNone">0 stands for no limit at all, and so for more than any.</param>
public sealed record SettingLimit(SettingUnit Unit, double Max, string MaxText, bool IsZeroNone = false)
{
    /// <summary>Whether a value, as SQL has it, is more than this; one that only a server can read counts as more.</summary>
    public bool IsExceededBy(ReadOnlySpan<byte> value) => SettingNumber.Check(value, this) == LimitCheck.Above;

    /// <summary>Reads a number as PostgreSQL would, units and all.</summary>
    /// <returns>False for what is none, or needs a server to be read.</returns>
    public static bool TryRead(ReadOnlySpan<byte> value, SettingUnit unit, out double number) => SettingNumber.TryRead(value, unit, out number);
}
