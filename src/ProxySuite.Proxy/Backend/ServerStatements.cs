namespace ProxySuite.Proxy.Backend;

/// <summary>What one server connection has prepared: shared statements, least recently used first out, and whose unnamed statement it holds.</summary>
internal sealed class ServerStatements
{
    /// <summary>Statements kept per server (design §6).</summary>
    public const int StatementsMax = 200;

    private readonly Dictionary<SharedStatement, LinkedListNode<Held>> _held = [];
    private readonly LinkedList<Held> _byUse = [];

    /// <summary>Number of statements held.</summary>
    public int Count => _held.Count;

    /// <summary>Session number and version of the unnamed statement that the server holds; default when it holds none.</summary>
    public UnnamedStatement Unnamed { get; set; }

    /// <summary>True, and the statement counts as just used, when the server has it.</summary>
    public bool Touch(SharedStatement statement)
    {
        if (!_held.TryGetValue(statement, out LinkedListNode<Held>? node) || node.Value.Generation != statement.Generation) return false;
        if (!ReferenceEquals(_byUse.Last, node))
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
        }
        return true;
    }

    /// <summary>True when the server has an outdated parse of it, which has to be closed first; the server is then noted to have none.</summary>
    public bool TakeOutdated(SharedStatement statement)
    {
        if (!_held.TryGetValue(statement, out LinkedListNode<Held>? node) || node.Value.Generation == statement.Generation) return false;
        Remove(statement);
        return true;
    }

    /// <summary>Notes that a Parse for it was sent.</summary>
    /// <returns>A statement that has to be closed on the server to stay within the bound, or null.</returns>
    public SharedStatement? Add(SharedStatement statement)
    {
        _held[statement] = _byUse.AddLast(new Held(statement, statement.Generation));
        if (_held.Count <= StatementsMax) return null;
        SharedStatement oldest = _byUse.First!.Value.Statement;
        Remove(oldest);
        return oldest;
    }

    /// <summary>Notes that the server does not have it: its Parse failed or was skipped.</summary>
    public void Remove(SharedStatement statement)
    {
        if (_held.Remove(statement, out LinkedListNode<Held>? node)) _byUse.Remove(node);
    }

    /// <summary>Notes that the server still has it: the Close that was to make room was skipped.</summary>
    /// <param name="statement">The statement.</param>
    /// <param name="isOutdated">What the server has is outdated.</param>
    public void Restore(SharedStatement statement, bool isOutdated = false)
    {
        if (!_held.ContainsKey(statement)) _held[statement] = _byUse.AddFirst(new Held(statement, isOutdated ? statement.Generation - 1 : statement.Generation));
    }

    /// <summary>Notes that the server has dropped all.</summary>
    public void Clear()
    {
        _held.Clear();
        _byUse.Clear();
        Unnamed = default;
    }

    private readonly record struct Held(SharedStatement Statement, int Generation);
}

/// <summary>Which client's unnamed statement, and which of them: a later Parse or Query of the client makes another one of it.</summary>
/// <param name="Session">Number of the client session, from 1; 0 for nobody's.</param>
/// <param name="Version">Counts the session's unnamed Parses.</param>
internal readonly record struct UnnamedStatement(long Session, long Version)
{
    /// <summary>After an error: what was skipped, and so which unnamed statement is left if any, is not known.</summary>
    public static readonly UnnamedStatement Unknown = new(-1, 0);
}
