using System.Buffers;

namespace ProxySuite.Wire.Sql;

/// <summary>
/// Cuts SQL into tokens where PostgreSQL does (scan.l): comments, the kinds of quotes, dollar quotes, words. Operators and numbers
/// come out byte by byte, which moves no border that matters. Expects UTF-8 and standard_conforming_strings = on; the proxy pins both.
/// </summary>
/// <remarks>A string or comment without an end runs to the end of the text: the server refuses such a text as a whole.</remarks>
internal ref struct SqlLexer(ReadOnlySpan<byte> sql, int position = 0)
{
    private static readonly SearchValues<byte> WordBytes = SearchValues.Create(BytesWhere(IsWordByte));
    private static readonly SearchValues<byte> TagBytes = SearchValues.Create(BytesWhere(b => IsWordByte(b) && b != (byte)'$'));

    private readonly ReadOnlySpan<byte> _sql = sql;

    public int Position { get; private set; } = position;

    /// <summary>The next token; kind End, for ever, behind the last.</summary>
    public SqlToken Next()
    {
        SkipBlanks();
        int start = Position;
        if (start >= _sql.Length)
        {
            return new SqlToken(SqlTokenKind.End, _sql.Length, _sql.Length, 0);
        }

        byte first = _sql[start];
        SqlTokenKind kind = first switch
        {
            (byte)'\'' => PlainString(start + 1),
            (byte)'"' => QuotedIdentifier(start + 1),
            (byte)'$' => Dollar(start),
            _ when IsWordStart(first) => Word(start),
            _ => Symbol(start),
        };
        return new SqlToken(kind, start, Position, first);
    }

    /// <summary>The next token, not taken.</summary>
    public readonly SqlToken Peek()
    {
        SqlLexer ahead = this;
        return ahead.Next();
    }

    private static bool IsWordStart(byte b) => b is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z') or (byte)'_' or >= 0x80;

    public static bool IsWordByte(byte b) => IsWordStart(b) || b is (>= (byte)'0' and <= (byte)'9') or (byte)'$';

    // Vertical tab is space to PostgreSQL 16 and later, an error to earlier ones, which then refuse the whole text.
    private static bool IsSpace(byte b) => b is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private static byte[] BytesWhere(Func<byte, bool> predicate)
    {
        var bytes = new List<byte>();
        for (int b = 0; b <= byte.MaxValue; b++)
        {
            if (predicate((byte)b))
            {
                bytes.Add((byte)b);
            }
        }

        return [.. bytes];
    }

    private void SkipBlanks()
    {
        while (Position < _sql.Length)
        {
            byte b = _sql[Position];
            byte next = Position + 1 < _sql.Length ? _sql[Position + 1] : (byte)0;
            if (IsSpace(b))
            {
                Position++;
            }
            else if (b == '-' && next == '-')
            {
                SkipLineComment();
            }
            else if (b == '/' && next == '*')
            {
                SkipBlockComment();
            }
            else
            {
                return;
            }
        }
    }

    private void SkipLineComment()
    {
        // Either of \r and \n ends the comment; who looks for \n alone misses what follows a \r.
        int length = _sql[Position..].IndexOfAny((byte)'\n', (byte)'\r');
        Position = length < 0 ? _sql.Length : Position + length;
    }

    private void SkipBlockComment()
    {
        int depth = 0;
        do
        {
            ReadOnlySpan<byte> rest = _sql[Position..];
            if (rest.StartsWith("/*"u8))
            {
                depth++;
                Position += 2;
            }
            else if (rest.StartsWith("*/"u8))
            {
                depth--;
                Position += 2;
            }
            else
            {
                int skip = rest.Length > 1 ? rest[1..].IndexOfAny((byte)'/', (byte)'*') : -1;
                Position = skip < 0 ? _sql.Length : Position + 1 + skip;
            }
        }
        while (depth > 0 && Position < _sql.Length);
    }

    private SqlTokenKind Symbol(int start)
    {
        Position = start + 1;
        return SqlTokenKind.Symbol;
    }

    private SqlTokenKind Word(int start)
    {
        int length = _sql[start..].IndexOfAnyExcept(WordBytes);
        int end = length < 0 ? _sql.Length : start + length;
        Position = end;
        byte first = (byte)(_sql[start] | 0x20);

        // E'…' is the only string in which a backslash escapes; B'…', X'…', N'…' and U&'…' end like any other.
        if (end - start == 1 && end < _sql.Length)
        {
            if (first == 'e' && _sql[end] == '\'')
            {
                return EscapeString(end + 1);
            }

            if (first == 'u' && _sql[end] == '&' && end + 1 < _sql.Length)
            {
                if (_sql[end + 1] == '"')
                {
                    return QuotedIdentifier(end + 2);
                }

                if (_sql[end + 1] == '\'')
                {
                    return PlainString(end + 2);
                }
            }
        }

        return SqlTokenKind.Word;
    }

    private SqlTokenKind QuotedIdentifier(int from)
    {
        SkipPast((byte)'"', from);
        return SqlTokenKind.QuotedIdentifier;
    }

    private SqlTokenKind PlainString(int from)
    {
        SkipPast((byte)'\'', from);
        return SqlTokenKind.String;
    }

    // A doubled quote ends one string and begins the next without a gap: the same border as if it were read as one.
    private void SkipPast(byte quote, int from)
    {
        int length = _sql[from..].IndexOf(quote);
        Position = length < 0 ? _sql.Length : from + length + 1;
    }

    private SqlTokenKind EscapeString(int from)
    {
        Position = from;
        while (Position < _sql.Length)
        {
            int skip = _sql[Position..].IndexOfAny((byte)'\\', (byte)'\'');
            if (skip < 0)
            {
                break;
            }

            Position += skip;
            if (_sql[Position] == '\\')
            {
                Position = Math.Min(Position + 2, _sql.Length);
                continue;
            }

            Position++;
            bool isDoubled = Position < _sql.Length && _sql[Position] == '\'';
            if (isDoubled || ContinuesOnAnotherLine())
            {
                Position++;
                continue;
            }

            return SqlTokenKind.String;
        }

        Position = _sql.Length;
        return SqlTokenKind.String;
    }

    // 'a' newline 'b' is one literal, and what follows the newline still has the escapes of its E (scan.l, quotecontinue).
    private bool ContinuesOnAnotherLine()
    {
        bool sawNewline = false;
        for (int at = Position; at < _sql.Length; at++)
        {
            byte b = _sql[at];
            if (b is (byte)'\n' or (byte)'\r')
            {
                sawNewline = true;
            }
            else if (b == '-' && at + 1 < _sql.Length && _sql[at + 1] == '-')
            {
                int length = _sql[at..].IndexOfAny((byte)'\n', (byte)'\r');
                if (length < 0)
                {
                    return false;
                }

                sawNewline = true;
                at += length;
            }
            else if (!IsSpace(b))
            {
                if (b != '\'' || !sawNewline)
                {
                    return false;
                }

                Position = at;
                return true;
            }
        }

        return false;
    }

    private SqlTokenKind Dollar(int start)
    {
        ReadOnlySpan<byte> rest = _sql[(start + 1)..];
        int tagLength = rest.IndexOfAnyExcept(TagBytes);
        bool isDelimiter = tagLength >= 0 && rest[tagLength] == '$' && (tagLength == 0 || IsWordStart(rest[0]));
        if (!isDelimiter)
        {
            // A parameter ($1) takes its digits along; a lone dollar stands for itself.
            int digits = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            Position = start + 1 + (digits < 0 ? rest.Length : digits);
            return SqlTokenKind.Symbol;
        }

        ReadOnlySpan<byte> delimiter = _sql.Slice(start, tagLength + 2);
        int bodyAt = start + delimiter.Length;
        int length = _sql[bodyAt..].IndexOf(delimiter);
        Position = length < 0 ? _sql.Length : bodyAt + length + delimiter.Length;
        return SqlTokenKind.String;
    }
}
