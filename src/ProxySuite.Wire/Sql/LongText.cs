namespace ProxySuite.Wire.Sql;

/// <summary>
/// Judges a text that is too long to be held in memory, as its parts pass by. It cuts statements where <see cref="SqlLexer"/> does, keeps the beginning
/// of each without its comments, and has <see cref="StatementFilter"/> judge that.
/// </summary>
/// <remarks>What a statement calls behind its first kilobyte is not seen; what a statement is, is. A value that would have to be rewritten is refused.</remarks>
/// <param name="rules">In force when the text began.</param>
public sealed class LongText(StatementRules rules)
{
    private const int HeadMax = 1024;
    private const int TagMax = 256;

    private readonly byte[] _head = new byte[HeadMax];
    private readonly byte[] _tag = new byte[TagMax];
    private int _headLength;
    private int _tagLength;
    private int _tagMatched;
    private int _depth;        // of parentheses
    private int _commentDepth;
    private int _wordLength;   // of the word that the last byte belongs to
    private byte _lastWordByte;
    private byte _previous;    // the last byte when it may begin a comment, else 0
    private bool _sawNewline;
    private Mode _mode;

    private enum Mode : byte
    {
        Plain,
        LineComment,
        BlockComment,
        String,
        Identifier,
        Escape,            // E'…'
        Escaped,           // behind its backslash
        BehindEscape,      // behind its closing quote: another part may follow on the next line
        BehindEscapeDash,
        BehindEscapeComment,
        Tag,               // $…
        Dollar,            // $tag$…
    }

    /// <summary>True behind the terminator of the text: what follows it in the message is none of ours.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Takes the next bytes of the message, the terminator included.</summary>
    /// <returns>Null, or the verdict that refuses the text.</returns>
    public StatementVerdict? Feed(ReadOnlySpan<byte> part)
    {
        foreach (byte b in part)
        {
            if (IsOver) return null;
            StatementVerdict? verdict = b == 0 ? End() : Take(b);
            if (verdict is not null) return verdict;
        }
        return null;
    }

    private StatementVerdict? End()
    {
        IsOver = true;
        return Judge();
    }

    private StatementVerdict? Judge()
    {
        StatementVerdict? verdict = StatementFilter.Judge(_head.AsSpan(0, _headLength), rules);
        _headLength = _depth = 0;
        return verdict is { Refusal: StatementRefusal.None } ? new StatementVerdict(StatementRefusal.ComputedSetting, verdict.Limited[0].Name) : verdict;
    }

    private StatementVerdict? Take(byte b)
    {
        switch (_mode)
        {
            case Mode.Plain:
                return TakePlain(b);
            case Mode.LineComment:
                if (b is (byte)'\n' or (byte)'\r') Enter(Mode.Plain, b);
                return null;
            case Mode.BlockComment:
                TakeComment(b);
                return null;
            case Mode.String:
                Keep(b);
                if (b == '\'') Enter(Mode.Plain);
                return null;
            case Mode.Identifier:
                Keep(b);
                if (b == '"') Enter(Mode.Plain);
                return null;
            case Mode.Escape:
                Keep(b);
                if (b == '\\') _mode = Mode.Escaped;
                else if (b == '\'') Enter(Mode.BehindEscape);
                return null;
            case Mode.Escaped:
                Keep(b);
                _mode = Mode.Escape;
                return null;
            case Mode.Tag:
                return TakeTag(b);
            case Mode.Dollar:
                Keep(b);
                TakeDollar(b);
                return null;
            default:
                return TakeBehindEscape(b);
        }
    }

    private StatementVerdict? TakePlain(byte b)
    {
        if (b == '-' && _previous == '-')
        {
            Drop(Mode.LineComment);
            return null;
        }
        if (b == '*' && _previous == '/')
        {
            Drop(Mode.BlockComment);
            _commentDepth = 1;
            return null;
        }
        int word = _wordLength;
        bool isWord = word > 0 ? SqlLexer.IsWordByte(b) : SqlLexer.IsWordByte(b) && b is not (byte)'$' and not (>= (byte)'0' and <= (byte)'9');
        if (b == ';' && _depth == 0)
        {
            Enter(Mode.Plain);
            return Judge();
        }
        bool isEscape = b == '\'' && word == 1 && _headLength > 0 && (_lastWordByte | 0x20) == 'e';
        Keep(b);
        _previous = b is (byte)'-' or (byte)'/' ? b : (byte)0;
        _wordLength = isWord ? word + 1 : 0;
        if (isWord) _lastWordByte = b;
        switch (b)
        {
            case (byte)'(':
                _depth++;
                break;
            case (byte)')' when _depth > 0:
                _depth--;
                break;
            case (byte)'\'':
                Enter(isEscape ? Mode.Escape : Mode.String);
                break;
            case (byte)'"':
                Enter(Mode.Identifier);
                break;
            case (byte)'$' when !isWord:
                Enter(Mode.Tag);
                _tagLength = 0;
                break;
        }
        return null;
    }

    private void TakeComment(byte b)
    {
        if (b == '*' && _previous == '/') _commentDepth++;
        else if (b == '/' && _previous == '*') _commentDepth--;
        else
        {
            _previous = b;
            return;
        }
        _previous = 0;
        if (_commentDepth == 0) Enter(Mode.Plain);
    }

    private StatementVerdict? TakeTag(byte b)
    {
        bool isTagByte = _tagLength == 0 ? SqlLexer.IsWordByte(b) && b is not (byte)'$' and not (>= (byte)'0' and <= (byte)'9') : SqlLexer.IsWordByte(b) && b != '$';
        if (isTagByte && _tagLength < TagMax)
        {
            Keep(b);
            _tag[_tagLength++] = b;
            return null;
        }
        // No name is that long, so nobody's statement is lost; and none is read otherwise than the server reads it.
        if (isTagByte) return new StatementVerdict(StatementRefusal.NotOnTheList, "a dollar quote with a tag of more than 256 bytes");
        if (b == '$')
        {
            Keep(b);
            Enter(Mode.Dollar);
            _tagMatched = 0;
            return null;
        }
        // A lone dollar, or a parameter, and then whatever this is.
        int tag = _tagLength;
        byte last = tag > 0 ? _tag[tag - 1] : (byte)0;
        Enter(Mode.Plain);
        _wordLength = tag;
        _lastWordByte = last;
        return TakePlain(b);
    }

    // Looks for $tag$: matched counts its bytes, the first dollar included.
    private void TakeDollar(byte b)
    {
        bool isDollar = b == '$';
        if (_tagMatched == _tagLength + 1 && isDollar)
        {
            Enter(Mode.Plain);
            return;
        }
        bool goesOn = _tagMatched > 0 && _tagMatched <= _tagLength && b == _tag[_tagMatched - 1];
        _tagMatched = goesOn ? _tagMatched + 1 : isDollar ? 1 : 0;
    }

    private StatementVerdict? TakeBehindEscape(byte b)
    {
        bool isNewline = b is (byte)'\n' or (byte)'\r';
        switch (_mode)
        {
            case Mode.BehindEscapeComment:
                if (!isNewline) return null;
                _sawNewline = true;
                _mode = Mode.BehindEscape;
                return null;
            case Mode.BehindEscapeDash when b == '-':
                _mode = Mode.BehindEscapeComment;
                return null;
            case Mode.BehindEscapeDash:
                Enter(Mode.Plain);
                TakePlain((byte)'-');
                return TakePlain(b);
            case Mode.BehindEscape when b == '\'' && (_sawNewline || _previous == 0):
                Keep(b);
                Enter(Mode.Escape);
                return null;
            case Mode.BehindEscape when b is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r'):
                Keep(b);
                _sawNewline |= isNewline;
                _previous = b;
                return null;
            case Mode.BehindEscape when b == '-':
                _mode = Mode.BehindEscapeDash;
                _previous = b;
                return null;
            default:
                Enter(Mode.Plain);
                return TakePlain(b);
        }
    }

    private void Enter(Mode mode, byte keep = 0)
    {
        _mode = mode;
        _previous = 0;
        _wordLength = 0;
        _sawNewline = false;
        if (keep != 0) Keep(keep);
    }

    /// <summary>The byte before began a comment: a blank takes its place.</summary>
    private void Drop(Mode comment)
    {
        if (_headLength is > 0 and < HeadMax) _head[_headLength - 1] = (byte)' ';
        Enter(comment);
    }

    private void Keep(byte b)
    {
        if (_headLength < HeadMax) _head[_headLength++] = b;
    }
}
