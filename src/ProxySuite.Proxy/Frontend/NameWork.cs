using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What one PREPARE or DEALLOCATE in a text does to the client's names, once the server has confirmed it.</summary>
internal sealed class NameChange(NameUse use, byte[] name, byte[] body, bool hasTypes) : IQuietDebt
{
    public NameUse Use { get; } = use;

    /// <summary>The name, as PostgreSQL folds and cuts it.</summary>
    public byte[] Name { get; } = name;

    /// <summary>What PREPARE prepares, without terminator.</summary>
    public byte[] Body { get; } = body;

    /// <summary>Its parameter types are written in SQL: the server is asked for their numbers.</summary>
    public bool HasTypes { get; } = hasTypes;

    /// <summary>The types in the form of a Parse message; null until the server has told them.</summary>
    public byte[]? Types { get; set; }

    /// <summary>The server has confirmed it by its tag.</summary>
    public bool IsDone { get; set; }
}

/// <summary>A text on its way that prepares or drops statements by name, or that a statement was put in front of. The client is read no further until it is answered.</summary>
internal sealed class NameWork : IReadyBySync
{
    /// <summary>In the order of the text, which is the order of the tags.</summary>
    public List<NameChange> Changes { get; } = [];

    /// <summary>The statement that the text executes, when that is all it does.</summary>
    public SharedStatement? Executes { get; init; }

    /// <summary>It went out within a batch, without a Sync behind: should the statement in front fail, the client's answer needs one.</summary>
    public bool IsSyncMissing { get; init; }

    private int _next;
    private int _described;

    /// <summary>Number in the server's ledger of the last entry that belongs to it.</summary>
    public long UpTo { get; set; }

    /// <summary>A tag of the server confirms the next change of this kind.</summary>
    /// <returns>False when there is none: the tag belongs to something else.</returns>
    public bool NoteDone(NameUse use)
    {
        int at = Changes.FindIndex(_next, change => change.Use == use);
        if (at < 0) return false;
        Changes[at].IsDone = true;
        _next = at + 1;
        return true;
    }

    /// <summary>All that was prepared so far is gone: DEALLOCATE ALL, DISCARD ALL.</summary>
    public void ForgetDone() => Changes.ForEach(static change => change.IsDone = false);

    /// <summary>The server answers the next question for types, in the order in which they were asked.</summary>
    /// <param name="types">Body of ParameterDescription: as a Parse message has it.</param>
    public void NoteTypes(ReadOnlySpan<byte> types)
    {
        if (NextDescribed() is { } change) change.Types = types.ToArray();
    }

    /// <summary>The next question was answered with an error: there is no such statement any more.</summary>
    public void SkipTypes() => NextDescribed();

    private NameChange? NextDescribed()
    {
        while (_described < Changes.Count)
        {
            if (Changes[_described++] is { Use: NameUse.Prepare, HasTypes: true } change) return change;
        }
        return null;
    }
}
