using ProxySuite.Wire.Frames;

namespace ProxySuite.Proxy.Tests.Backend;

/// <summary>How a message of the client fares on the modelled server.</summary>
internal enum Fate
{
    Success,
    Failure,
    Empty,
    Suspended,
    Begin,
    Commit,
    CopyIn,
    CopyInThatFailsAtOnce, // a BEFORE STATEMENT trigger: after CopyInResponse, before the first message of the copy is read
    CopyOut,
}

internal readonly record struct Sent(char Type, Fate Fate);

/// <summary>
/// PostgreSQL's main loop as far as replies go (postgres.c, PostgresMain and SocketBackend; copyfromparse.c, CopyGetData): one message in,
/// the replies out.
/// </summary>
internal sealed class BackendModel
{
    private bool _skips;
    private bool _copyIsSimple;
    private bool _copies;

    public char Status { get; private set; } = 'I';

    /// <summary>True when a Sync was read as part of a COPY, and so never answered.</summary>
    public bool SwallowedSync { get; private set; }

    public IEnumerable<(BackendMessage Type, char Status)> Take(Sent message)
    {
        if (_copies) return InCopy(message);
        if (message.Type == 'S')
        {
            _skips = false;
            return [Ready()];
        }
        if (_skips || message.Type is 'd' or 'c' or 'f' or 'H') return [];
        return message.Type == 'Q' ? Simple(message) : Extended(message);
    }

    private IEnumerable<(BackendMessage, char)> Simple(Sent message)
    {
        switch (message.Fate)
        {
            case Fate.Failure:
                Fail();
                return [One('E'), Ready()];
            case Fate.Empty:
                return [One('I'), Ready()];
            case Fate.Begin:
                if (Status == 'I') Status = 'T';
                return [One('C'), Ready()];
            case Fate.Commit:
                Status = 'I';
                return [One('C'), Ready()];
            case Fate.CopyIn:
                _copies = _copyIsSimple = true;
                return [One('G')];
            case Fate.CopyInThatFailsAtOnce:
                Fail();
                return [One('G'), One('E'), Ready()];
            case Fate.CopyOut:
                return [One('H'), One('d'), One('d'), One('c'), One('C'), Ready()];
            default:
                return [One('T'), One('D'), One('C'), Ready()];
        }
    }

    private IEnumerable<(BackendMessage, char)> Extended(Sent message)
    {
        if (message.Fate == Fate.Failure) return Abort([]);
        switch (message.Type)
        {
            case 'P':
                return [One('1')];
            case 'B':
                return [One('2')];
            case 'C':
                return [One('3')];
            case 'D':
                return [One('T')];
            case 's':
                return [One('t'), One('n')];
            default:
                switch (message.Fate)
                {
                    case Fate.Empty:
                        return [One('I')];
                    case Fate.Suspended:
                        return [One('D'), One('s')];
                    case Fate.CopyIn:
                        _copies = true;
                        _copyIsSimple = false;
                        return [One('G')];
                    case Fate.CopyInThatFailsAtOnce:
                        return Abort([One('G')]);
                    case Fate.CopyOut:
                        return [One('H'), One('d'), One('c'), One('C')];
                    default:
                        return [One('D'), One('D'), One('C')];
                }
        }
    }

    private IEnumerable<(BackendMessage, char)> InCopy(Sent message)
    {
        switch (message.Type)
        {
            case 'H':
                return [];
            case 'S':
                SwallowedSync = true;
                return [];
            case 'd' when message.Fate != Fate.Failure:
                return [];
            case 'c' when message.Fate != Fate.Failure:
                _copies = false;
                return _copyIsSimple ? [One('C'), Ready()] : [One('C')];
            case 'd' or 'c' or 'f':
                _copies = false;
                if (!_copyIsSimple) return Abort([]);
                Fail();
                return [One('E'), Ready()];
            default:
                throw new InvalidOperationException($"a valid client sends no {message.Type} inside a COPY");
        }
    }

    private IEnumerable<(BackendMessage, char)> Abort((BackendMessage, char)[] before)
    {
        Fail();
        _skips = true;
        return [.. before, One('E')];
    }

    private void Fail()
    {
        if (Status == 'T') Status = 'E';
    }

    private static (BackendMessage, char) One(char type) => ((BackendMessage)type, '\0');

    private (BackendMessage, char) Ready() => (BackendMessage.ReadyForQuery, Status);
}
