using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// The tenant's limits on queries. A batch (a Query, or extended messages up to their Sync) asks before it has a server. Where it may not start the client is
/// read no further until it may, and after Limits:MaxRateDelay it gets 53400. In an open transaction nothing is held back, as that would hold a server: it is counted.
/// </summary>
internal sealed partial class ClientSession : IRateUser
{
    private RateWaiter? _rateWaiter;
    private PgError? _rateRefusal;    // what the batch in front is answered with
    private bool _isRateGranted;      // the batch in front was let in, and has not begun
    private bool _isRatePaid;         // and its first statement is paid for
    private bool _hasRatePlace;       // among the tenant's transactions under way
    private bool _isDelayed;          // stands in its tenant's line
    private bool _isHeldForRate;      // read no further until what is asked is answered: only then it is known whether a transaction is open

    /// <summary>Asks for a batch that comes while no server is held.</summary>
    /// <returns>False when it may not start: it is held, or the session is to refuse it.</returns>
    private bool MayStart()
    {
        if (_rateRefusal is null && AskToStart()) return true;
        if (_rateRefusal is not { } error) return false;
        _rateRefusal = null;
        _refusal = error;
        Enter(SessionState.Refused);
        _link.ResumeReading();
        return false;
    }

    private bool AskToStart()
    {
        if (_isRateGranted) return true;
        if (_limiter.TryEnter(_hasRatePlace))
        {
            NoteGranted();
            return true;
        }
        _rateRefusal = _limiter.Enqueue(_rateWaiter ??= new RateWaiter(this));
        if (_rateRefusal is null) SetDelayed(true);
        return false;
    }

    /// <summary>Asks for a batch that comes while a server is held: behind others that are not answered, in a transaction, or on a server of the client's own.</summary>
    private Start MayStartHere(FrontendMessage type)
    {
        ReplyLedger ledger = _server!.Ledger;
        bool isStart = type is FrontendMessage.Query or FrontendMessage.Parse or FrontendMessage.Bind or FrontendMessage.Describe or FrontendMessage.Execute
            or FrontendMessage.Close or FrontendMessage.FunctionCall && !ledger.IsUnsynced && !ledger.IsSkippingToSync && !ledger.IsCopyIn && !ledger.IsUncertain;
        if (!isStart || _isRateGranted) return Start.Now;
        if (ledger.Count == 0 && ledger.Status != TransactionStatus.Idle)
        {
            _limiter.Charge(1);
            _isRatePaid = true;
            return Start.Now;
        }
        if (ledger.Count > 0)
        {
            if (_limiter.TryEnter(_hasRatePlace))
            {
                NoteGranted();
                return Start.Now;
            }
            // It may be part of a transaction that has yet to begin, or the last one's server can go to others first.
            _isHeldForRate = true;
            return Start.Later;
        }
        if (_rateRefusal is null && AskToStart()) return Start.Now;
        return _rateRefusal is null ? Start.Later : Start.Never;
    }

    /// <summary>Counts the statements of a message that goes to the server.</summary>
    private void CountStatements(FrontendMessage type, bool isWhole)
    {
        _isRateGranted = false;
        int statements = type switch
        {
            FrontendMessage.Query => isWhole ? Math.Max(1, _queryFacts.StatementCount) : 1,
            FrontendMessage.Execute or FrontendMessage.FunctionCall => 1,
            _ => 0,
        };
        if (statements == 0) return;
        if (_isRatePaid) statements--;
        _isRatePaid = false;
        if (statements > 0) _limiter.Charge(statements);
    }

    /// <summary>Refuses a batch while a server of the client's own is held: what fails there takes its place, so that the server answers as it would.</summary>
    private void RefuseHere(FrontendMessage type, FrameHeader header, bool isWhole, int end, ReadOnlySpan<byte> received, ref int at, ref int from, FrameWriter rewritten)
    {
        PgError error = _rateRefusal!;
        _rateRefusal = null;
        if (_requestStarted == 0) _requestStarted = _context.Reactor.NowTicks;
        RefuseStatement(type, error, header, received, at, ref from, rewritten);
        _bodyLeft = isWhole ? 0 : header.FrameLength - (end - at);
        _isBodyDropped = !isWhole;
        at = from = end;
    }

    private void NoteGranted() => _isRateGranted = _isRatePaid = _hasRatePlace = true;

    /// <summary>The transaction is over, or nothing came of it.</summary>
    private void EndRated()
    {
        _isRateGranted = _isRatePaid = false;
        if (!_hasRatePlace) return;
        _hasRatePlace = false;
        _limiter.Exit();
    }

    /// <summary>Gives up the place in line.</summary>
    private void LeaveLine()
    {
        if (_rateWaiter is not null) _limiter.Leave(_rateWaiter);
    }

    /// <summary>Ends a wait for the tenant's limits with an error.</summary>
    /// <returns>False when it does not wait.</returns>
    private bool FailDelayed(PgError error)
    {
        if (!_isDelayed || !_limiter.Leave(_rateWaiter!)) return false;
        _stats.ErrorsProxy++;
        ((IRateUser)this).OnRateRefused(error);
        return true;
    }

    /// <inheritdoc/>
    void IRateUser.OnRateGranted()
    {
        SetDelayed(false);
        NoteGranted();
        _link.ResumeReading();
    }

    /// <inheritdoc/>
    void IRateUser.OnRateRefused(PgError error)
    {
        SetDelayed(false);
        _rateRefusal = error;
        _link.ResumeReading();
    }

    /// <inheritdoc/>
    void IRateUser.OnLongRateWait(PgError notice) => OnLongWait(notice);

    private void SetDelayed(bool isDelayed)
    {
        CountState(-1);
        _isDelayed = isDelayed;
        CountState(+1);
    }

    /// <summary>When a batch may start.</summary>
    private enum Start : byte
    {
        Now,
        Later,
        Never,
    }
}
