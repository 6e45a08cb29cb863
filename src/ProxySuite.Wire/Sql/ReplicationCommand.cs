using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>What a text on a replication connection asks for.</summary>
public enum ReplicationKind : byte
{
    Refused,
    IdentifySystem,
    Show,
    CreateSlot,
    DropSlot,
    AlterSlot,
    Start,
    Select,
    Copy,
    Begin,
    EndTransaction, // COMMIT or ROLLBACK
    Set,
}

/// <summary>Why a text on a replication connection is not served.</summary>
public enum ReplicationRefusal : byte
{
    None,
    Syntax,    // not of the form that is understood in full
    Physical,  // physical replication, base backups, timelines: the whole cluster's
    SlotName,  // no name that a slot can have
    Plugin,    // an output plug-in that is not on the list: naming one loads a library
    Statement, // SQL beyond what a subscriber asks
    Function,  // a function that works on slots by name
}

/// <summary>
/// A text on a replication connection as it was understood. What goes to the server is written anew from these values (<see cref="ToServer"/>), never copied from the client, so that the
/// server cannot read it in another way than it was read here.
/// </summary>
/// <param name="Kind">What is asked for.</param>
/// <param name="Slot">The slot's name as the client has it, without quotes; null where there is none.</param>
/// <param name="Words">The rest of a replication command, or the whole of an SQL statement, ready to be sent.</param>
/// <param name="Refusal">Why it is not served.</param>
/// <param name="Subject">What is refused, for the error's text.</param>
public sealed record ReplicationCommand(
    ReplicationKind Kind, string? Slot = null, string Words = "", ReplicationRefusal Refusal = ReplicationRefusal.None, string Subject = "")
{
    /// <summary>Longest name of a slot in bytes that a tenant can give: names have 63, of which <see cref="PrefixLength"/> tell whose it is. The longest that a subscriber makes for itself has 50.</summary>
    public const int SlotNameMax = 63 - PrefixLength;

    /// <summary>Bytes of the prefix that tells whose a slot is.</summary>
    public const int PrefixLength = 13;

    /// <summary>True for what a walsender reads by its own grammar; all else is SQL.</summary>
    public bool IsCommand => Kind is ReplicationKind.IdentifySystem or ReplicationKind.Show or ReplicationKind.CreateSlot or ReplicationKind.DropSlot or ReplicationKind.AlterSlot or ReplicationKind.Start;

    /// <summary>Reads a text.</summary>
    /// <param name="text">As the client sent it, without the terminator; UTF-8.</param>
    public static ReplicationCommand Read(ReadOnlySpan<byte> text)
    {
        // The walsender decides by the first word, in capitals as they are written; its scanner knows no comments.
        ReadOnlySpan<byte> rest = text.TrimStart(" \t\n\r\f\v"u8);
        int length = 0;
        while (length < rest.Length && SqlLexer.IsWordByte(rest[length])) length++;
        return rest[..length] switch
        {
            var word when word.SequenceEqual("IDENTIFY_SYSTEM"u8) => ReplicationGrammar.IdentifySystem(rest[length..]),
            var word when word.SequenceEqual("SHOW"u8) => ReplicationGrammar.Show(rest[length..]),
            var word when word.SequenceEqual("CREATE_REPLICATION_SLOT"u8) => ReplicationGrammar.CreateSlot(rest[length..]),
            var word when word.SequenceEqual("DROP_REPLICATION_SLOT"u8) => ReplicationGrammar.DropSlot(rest[length..]),
            var word when word.SequenceEqual("ALTER_REPLICATION_SLOT"u8) => ReplicationGrammar.AlterSlot(rest[length..]),
            var word when word.SequenceEqual("START_REPLICATION"u8) => ReplicationGrammar.Start(rest[length..]),
            var word when word.SequenceEqual("BASE_BACKUP"u8) || word.SequenceEqual("READ_REPLICATION_SLOT"u8) || word.SequenceEqual("TIMELINE_HISTORY"u8)
                || word.SequenceEqual("UPLOAD_MANIFEST"u8) => Refuse(ReplicationRefusal.Physical, Encoding.ASCII.GetString(word)),
            _ => ReplicationSql.Read(rest),
        };
    }

    /// <summary>What the server is sent.</summary>
    /// <param name="prefix">In front of every slot name of the tenant, <see cref="PrefixLength"/> bytes.</param>
    /// <exception cref="InvalidOperationException">The text was refused.</exception>
    public string ToServer(string prefix) => Kind switch
    {
        ReplicationKind.Refused => throw new InvalidOperationException("a refused text goes nowhere"),
        ReplicationKind.IdentifySystem => "IDENTIFY_SYSTEM",
        ReplicationKind.Show => $"SHOW {Words}",
        ReplicationKind.CreateSlot => $"CREATE_REPLICATION_SLOT \"{NameOn(prefix)}\" {Words}",
        ReplicationKind.DropSlot => $"DROP_REPLICATION_SLOT \"{NameOn(prefix)}\"{Words}",
        ReplicationKind.AlterSlot => $"ALTER_REPLICATION_SLOT \"{NameOn(prefix)}\" {Words}",
        ReplicationKind.Start => $"START_REPLICATION SLOT \"{NameOn(prefix)}\" LOGICAL {Words}",
        _ => Words,
    };

    /// <summary>A text that is not served.</summary>
    public static ReplicationCommand Refuse(ReplicationRefusal refusal, string subject) => new(ReplicationKind.Refused, Refusal: refusal, Subject: subject);

    // Who has read the full name in a view may say it.
    private string NameOn(string prefix) => Slot!.StartsWith(prefix, StringComparison.Ordinal) ? Slot : prefix + Slot;
}
