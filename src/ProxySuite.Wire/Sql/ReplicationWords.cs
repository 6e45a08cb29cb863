using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>Cuts a replication command into words as the walsender's scanner does (repl_scanner.l): no comments, no escapes, no dollar quotes.</summary>
internal ref struct ReplicationWords(ReadOnlySpan<byte> rest)
{
    private ReadOnlySpan<byte> _rest = rest;

    /// <summary>Nothing is left but blanks and one semicolon.</summary>
    public bool IsAtEnd()
    {
        TryTake(';');
        Skip();
        return _rest.IsEmpty;
    }

    public bool TryTake(char symbol)
    {
        Skip();
        if (_rest.IsEmpty || _rest[0] != symbol) return false;
        _rest = _rest[1..];
        return true;
    }

    /// <summary>A keyword, in capitals: in small letters it would be a name.</summary>
    public bool TryKeyword(string keyword)
    {
        Skip();
        int length = WordLength();
        if (!Ascii.Equals(_rest[..length], keyword)) return false;
        _rest = _rest[length..];
        return true;
    }

    /// <summary>A name, in quotes as it stands, without in small letters.</summary>
    public string? Identifier()
    {
        Skip();
        if (!_rest.IsEmpty && _rest[0] == '"') return Quoted((byte)'"');
        int length = WordLength();
        if (length == 0) return null;
        string word = Encoding.ASCII.GetString(_rest[..length]);
        _rest = _rest[length..];
        return word.ToLowerInvariant();
    }

    /// <summary>A text in single quotes.</summary>
    public string? Text()
    {
        Skip();
        return !_rest.IsEmpty && _rest[0] == '\'' ? Quoted((byte)'\'') : null;
    }

    /// <summary>A position of the WAL, such as 16/B374D848.</summary>
    public string? Position()
    {
        Skip();
        int high = 0;
        while (high < _rest.Length && Uri.IsHexDigit((char)_rest[high])) high++;
        if (high is 0 or > 8 || high == _rest.Length || _rest[high] != '/') return null;
        int end = high + 1;
        while (end < _rest.Length && Uri.IsHexDigit((char)_rest[end])) end++;
        if (end - high - 1 is 0 or > 8 || (end < _rest.Length && SqlLexer.IsWordByte(_rest[end]))) return null;
        string position = Encoding.ASCII.GetString(_rest[..end]);
        _rest = _rest[end..];
        return position;
    }

    // A doubled quote stands for one. Control characters are in no name or value that a command needs.
    private string? Quoted(byte quote)
    {
        var text = new List<byte>();
        for (int at = 1; at < _rest.Length; at++)
        {
            byte b = _rest[at];
            if (b == quote)
            {
                if (at + 1 >= _rest.Length || _rest[at + 1] != quote)
                {
                    _rest = _rest[(at + 1)..];
                    return Encoding.UTF8.GetString([.. text]);
                }
                at++;
            }
            else if (b is < 0x20 or 0x7f)
            {
                return null;
            }
            text.Add(b);
        }
        return null;
    }

    private readonly int WordLength()
    {
        int length = 0;
        if (_rest.IsEmpty || !(char.IsAsciiLetter((char)_rest[0]) || _rest[0] == '_')) return 0;
        while (length < _rest.Length && (char.IsAsciiLetterOrDigit((char)_rest[length]) || _rest[length] is (byte)'_' or (byte)'$')) length++;
        // A letter beyond ASCII would go on with the word.
        return length < _rest.Length && _rest[length] >= 0x80 ? 0 : length;
    }

    private void Skip() => _rest = _rest.TrimStart(" \t\n\r\f\v"u8);
}
