using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>
/// The part of the walsender's grammar (protocol-replication, repl_gram.y) that stays within one database: logical slots and logical streams. A command is understood to its last byte or
/// refused.
/// </summary>
internal static class ReplicationGrammar
{
    // Naming a plug-in makes the server load a library of that name.
    private static readonly FrozenSet<string> Plugins = FrozenSet.Create(StringComparer.Ordinal, "pgoutput", "test_decoding", "wal2json");

    public static ReplicationCommand IdentifySystem(ReadOnlySpan<byte> rest)
    {
        var words = new ReplicationWords(rest);
        return words.IsAtEnd() ? new ReplicationCommand(ReplicationKind.IdentifySystem) : Syntax("IDENTIFY_SYSTEM");
    }

    public static ReplicationCommand Show(ReadOnlySpan<byte> rest)
    {
        var words = new ReplicationWords(rest);
        var name = new StringBuilder();
        do
        {
            if (words.Identifier() is not { Length: > 0 } part || !part.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_')) return Syntax("SHOW");
            name.Append(name.Length > 0 ? "." : "").Append(part);
        }
        while (words.TryTake('.'));
        return words.IsAtEnd() ? new ReplicationCommand(ReplicationKind.Show, Words: name.ToString()) : Syntax("SHOW");
    }

    public static ReplicationCommand CreateSlot(ReadOnlySpan<byte> rest)
    {
        const string Command = "CREATE_REPLICATION_SLOT";
        var words = new ReplicationWords(rest);
        if (words.Identifier() is not { } slot) return Syntax(Command);
        bool isTemporary = words.TryKeyword("TEMPORARY");
        if (words.TryKeyword("PHYSICAL")) return ReplicationCommand.Refuse(ReplicationRefusal.Physical, $"{Command} PHYSICAL");
        if (!words.TryKeyword("LOGICAL") || words.Identifier() is not { } plugin) return Syntax(Command);
        string? options = words.TryTake('(') ? CreateOptions(ref words) : CreateOptionsOfOld(ref words);
        if (options is null || !words.IsAtEnd()) return Syntax(Command);
        if (!IsSlotName(slot)) return ReplicationCommand.Refuse(ReplicationRefusal.SlotName, slot);
        if (!Plugins.Contains(plugin)) return ReplicationCommand.Refuse(ReplicationRefusal.Plugin, plugin);
        return new ReplicationCommand(ReplicationKind.CreateSlot, slot, $"{(isTemporary ? "TEMPORARY " : "")}LOGICAL \"{plugin}\"{options}");
    }

    public static ReplicationCommand DropSlot(ReadOnlySpan<byte> rest)
    {
        const string Command = "DROP_REPLICATION_SLOT";
        var words = new ReplicationWords(rest);
        if (words.Identifier() is not { } slot) return Syntax(Command);
        bool waits = words.TryKeyword("WAIT");
        if (!words.IsAtEnd()) return Syntax(Command);
        return IsSlotName(slot) ? new ReplicationCommand(ReplicationKind.DropSlot, slot, waits ? " WAIT" : "") : ReplicationCommand.Refuse(ReplicationRefusal.SlotName, slot);
    }

    public static ReplicationCommand AlterSlot(ReadOnlySpan<byte> rest)
    {
        const string Command = "ALTER_REPLICATION_SLOT";
        var words = new ReplicationWords(rest);
        if (words.Identifier() is not { } slot || !words.TryTake('(') || CreateOptions(ref words) is not { Length: > 0 } options || options.Contains("SNAPSHOT", StringComparison.Ordinal)
            || !words.IsAtEnd())
        {
            return Syntax(Command);
        }
        return IsSlotName(slot) ? new ReplicationCommand(ReplicationKind.AlterSlot, slot, options.TrimStart()) : ReplicationCommand.Refuse(ReplicationRefusal.SlotName, slot);
    }

    public static ReplicationCommand Start(ReadOnlySpan<byte> rest)
    {
        const string Command = "START_REPLICATION";
        var words = new ReplicationWords(rest);
        // Without LOGICAL it is physical, with a slot or without: all tenants' WAL.
        if (!words.TryKeyword("SLOT")) return ReplicationCommand.Refuse(ReplicationRefusal.Physical, Command);
        if (words.Identifier() is not { } slot) return Syntax(Command);
        if (!words.TryKeyword("LOGICAL")) return ReplicationCommand.Refuse(ReplicationRefusal.Physical, $"{Command} PHYSICAL");
        if (words.Position() is not { } position) return Syntax(Command);
        var options = new StringBuilder();
        if (words.TryTake('('))
        {
            do
            {
                if (words.Identifier() is not { Length: > 0 } name) return Syntax(Command);
                options.Append(CultureInfo.InvariantCulture, $"{(options.Length == 0 ? " (" : ", ")}\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
                if (words.Text() is { } value) options.Append(CultureInfo.InvariantCulture, $" '{value.Replace("'", "''", StringComparison.Ordinal)}'");
            }
            while (words.TryTake(','));
            if (!words.TryTake(')')) return Syntax(Command);
            options.Append(')');
        }
        if (!words.IsAtEnd()) return Syntax(Command);
        return IsSlotName(slot) ? new ReplicationCommand(ReplicationKind.Start, slot, position + options) : ReplicationCommand.Refuse(ReplicationRefusal.SlotName, slot);
    }

    // (SNAPSHOT 'use', TWO_PHASE, FAILOVER true): words and values come from lists.
    private static string? CreateOptions(ref ReplicationWords words)
    {
        var options = new StringBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        do
        {
            string name = words.Identifier()?.ToUpperInvariant() ?? "";
            string? value = words.Text() ?? words.Identifier();
            bool isKnown = name switch
            {
                "SNAPSHOT" => value is "export" or "use" or "nothing",
                "TWO_PHASE" or "FAILOVER" => value is null or "true" or "false" or "on" or "off" or "0" or "1",
                _ => false,
            };
            if (!isKnown || !seen.Add(name)) return null;
            options.Append(CultureInfo.InvariantCulture, $"{(options.Length == 0 ? " (" : ", ")}{name}").Append(value is null ? "" : $" '{value}'");
        }
        while (words.TryTake(','));
        return words.TryTake(')') ? options.Append(')').ToString() : null;
    }

    // As before 15; RESERVE_WAL is for physical slots.
    private static string? CreateOptionsOfOld(ref ReplicationWords words)
    {
        string? snapshot = null;
        bool isTwoPhase = false;
        while (true)
        {
            string? said = words.TryKeyword("EXPORT_SNAPSHOT") ? "export" : words.TryKeyword("NOEXPORT_SNAPSHOT") ? "nothing" : words.TryKeyword("USE_SNAPSHOT") ? "use" : null;
            if (said is not null)
            {
                if (snapshot is not null) return null;
                snapshot = said;
            }
            else if (words.TryKeyword("TWO_PHASE"))
            {
                if (isTwoPhase) return null;
                isTwoPhase = true;
            }
            else
            {
                break;
            }
        }
        string[] options = [.. snapshot is null ? Array.Empty<string>() : [$"SNAPSHOT '{snapshot}'"], .. isTwoPhase ? ["TWO_PHASE"] : Array.Empty<string>()];
        return options.Length == 0 ? "" : $" ({string.Join(", ", options)})";
    }

    /// <summary>What PostgreSQL takes for a name of a slot, with the prefix or without.</summary>
    private static bool IsSlotName(string name)
        => name.Length is > 0 and <= 63 && name.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_');

    private static ReplicationCommand Syntax(string command) => ReplicationCommand.Refuse(ReplicationRefusal.Syntax, command);
}
