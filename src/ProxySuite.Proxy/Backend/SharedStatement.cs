using System.Globalization;
using System.Text;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Backend;

/// <summary>A prepared statement as content: clients that prepare the same text with the same parameter types share one name on every server.</summary>
/// <remarks>Immutable; owned by the tenant's <see cref="StatementCatalog"/> and kept alive by the clients that named it.</remarks>
internal sealed class SharedStatement
{
    /// <summary>How the proxy's own names begin; a client that uses this beginning itself is served all the same, as its names never reach a server.</summary>
    public static ReadOnlySpan<byte> NamePrefix => "proxysuite_"u8;

    public SharedStatement(long number, byte[] content, StatementTraits traits, SettingChange? change)
    {
        Change = change;
        ServerName = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"proxysuite_{number}"));
        Content = content;
        Traits = traits;
    }

    /// <summary>Its name on servers, without a terminator.</summary>
    public byte[] ServerName { get; }

    /// <summary>Body of the Parse message behind the name: text, terminator, number of parameter types, the types.</summary>
    public byte[] Content { get; }

    /// <summary>The SET or RESET that it is, if it is one.</summary>
    public SettingChange? Change { get; }

    /// <summary>A server has parsed it: a Parse of the same content need not be asked for again.</summary>
    public bool IsProven { get; set; }

    /// <summary>What the scanner found in the text.</summary>
    public StatementTraits Traits { get; }
}

/// <summary>All statements that a tenant's clients have prepared, by content. Touched by one reactor's thread alone.</summary>
/// <param name="statementsMax">Past this number the catalog starts again: later equal statements get a new name, and nothing else is lost.</param>
/// <param name="bytesMax">The same for the bytes of their texts.</param>
internal sealed class StatementCatalog(int statementsMax = 5000, long bytesMax = 16 << 20)
{
    private readonly Dictionary<byte[], SharedStatement> _byContent = new(BytesComparer.Instance);
    private long _numbers;
    private long _bytes;

    /// <summary>A statement whose text is not kept: it lives on one server only.</summary>
    public SharedStatement MakeUnshared() => new(++_numbers, [], StatementTraits.None, change: null);

    /// <summary>The statement with this content, made when it is new.</summary>
    /// <param name="content">As <see cref="SharedStatement.Content"/>.</param>
    /// <param name="sql">The text within it.</param>
    public SharedStatement Intern(ReadOnlySpan<byte> content, ReadOnlySpan<byte> sql)
    {
        Dictionary<byte[], SharedStatement>.AlternateLookup<ReadOnlySpan<byte>> lookup = _byContent.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(content, out SharedStatement? known)) return known;
        if (_byContent.Count >= statementsMax || _bytes > bytesMax)
        {
            _byContent.Clear();
            _bytes = 0;
        }
        StatementFacts facts = SqlScanner.Scan(sql);
        var statement = new SharedStatement(++_numbers, content.ToArray(), facts.Traits, SettingChange.From(sql, facts));
        _byContent.Add(statement.Content, statement);
        _bytes += content.Length;
        return statement;
    }
}
