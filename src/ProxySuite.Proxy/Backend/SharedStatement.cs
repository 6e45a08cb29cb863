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

    public SharedStatement(long number, byte[] content, StatementTraits traits, SessionChange? change)
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

    /// <summary>What it changes in the session that can be carried to another server, if anything.</summary>
    public SessionChange? Change { get; private set; }

    /// <summary>The settings that it is parsed under on every server; null for a statement of one client alone.</summary>
    public SessionSettings? ParsedUnder { get; init; }

    /// <summary>A server has parsed it: a Parse of the same content need not be asked for again.</summary>
    public bool IsProven { get; set; }

    /// <summary>Raised when a server finds that the result has another shape now: what servers parsed before is parsed anew.</summary>
    public int Generation { get; set; }

    /// <summary>What the scanner found in the text.</summary>
    public StatementTraits Traits { get; private set; }

    /// <summary>All of its text has come: what it does is known.</summary>
    public void Learn(StatementTraits traits, SessionChange? change) => (Traits, Change) = (traits, change);
}

/// <summary>All statements that a tenant's clients have prepared, by content and by the settings they are parsed under. Touched by one reactor's thread alone.</summary>
/// <remarks>
/// Parsing folds literals into constants: <c>'2020-01-01'::timestamptz</c> means another instant under another TimeZone, and stays what it was at Parse. So the same text
/// under other settings is another statement.
/// </remarks>
internal sealed class StatementCatalog
{
    // Past either bound the catalog starts again: later equal statements get a new name, and nothing else is lost.
    private const int StatementsMax = 5000;
    private const int ContentBytesMax = 16 << 20;

    private readonly Dictionary<SessionSettings, Dictionary<byte[], SharedStatement>> _bySettings = [];
    private long _numbers;
    private int _count;
    private int _contentBytes;

    /// <summary>A statement whose text is not kept: it lives on one server only.</summary>
    public SharedStatement MakeUnshared() => new(++_numbers, [], StatementTraits.None, change: null);

    /// <summary>A statement of one client alone whose text is still on its way.</summary>
    /// <param name="content">As <see cref="SharedStatement.Content"/>; filled by the caller, who says when it is whole.</param>
    public SharedStatement MakeLong(byte[] content) => new(++_numbers, content, StatementTraits.None, change: null);

    /// <summary>A statement of one client alone, parsed while its settings are in flux: nobody else may be given it.</summary>
    /// <param name="content">As <see cref="SharedStatement.Content"/>.</param>
    public SharedStatement MakePrivate(ReadOnlySpan<byte> content) => Make(content, parsedUnder: null);

    /// <summary>The statement with this content, made when it is new.</summary>
    /// <param name="content">As <see cref="SharedStatement.Content"/>.</param>
    /// <param name="parsedUnder">The client's settings, as far as parsing reads them: <see cref="SessionSettings.ForParsing"/>.</param>
    public SharedStatement Intern(ReadOnlySpan<byte> content, SessionSettings parsedUnder)
    {
        if (!_bySettings.TryGetValue(parsedUnder, out Dictionary<byte[], SharedStatement>? byContent))
        {
            _bySettings.Add(parsedUnder, byContent = new Dictionary<byte[], SharedStatement>(BytesComparer.Instance));
        }
        if (byContent.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(content, out SharedStatement? known)) return known;
        if (_count >= StatementsMax || _contentBytes > ContentBytesMax)
        {
            _bySettings.Clear();
            byContent.Clear();
            _bySettings.Add(parsedUnder, byContent);
            _count = _contentBytes = 0;
        }
        SharedStatement statement = Make(content, parsedUnder);
        byContent.Add(statement.Content, statement);
        _count++;
        _contentBytes += content.Length;
        return statement;
    }

    private SharedStatement Make(ReadOnlySpan<byte> content, SessionSettings? parsedUnder)
    {
        ReadOnlySpan<byte> sql = content[..content.IndexOf((byte)0)];
        StatementFacts facts = SqlScanner.Scan(sql);
        return new SharedStatement(++_numbers, content.ToArray(), facts.Traits, SessionChange.From(sql, facts)) { ParsedUnder = parsedUnder };
    }
}
