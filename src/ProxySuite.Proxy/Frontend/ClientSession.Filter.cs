using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What the filter lets through, what it brings down to the plan's limits, what it refuses, and what happens when time is up.</summary>
internal sealed partial class ClientSession
{
    private bool _isOutOfTime;        // what the server runs was cancelled by the proxy's clock
    private LongText? _longText;      // what is passing by
    private PoolConfig? _limitedBy; // the state of the plan that the session's settings were last brought within

    private StatementRules Rules => _pool.Config.Rules[Role];

    private void TakeQuery(ReadOnlySpan<byte> body, bool isWhole, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        ServerConnection server = _server!;
        RefusedStatement? refused = null;
        bool hasNames = isWhole && !_isNative && (_queryFacts.Traits & NamingTraits) != 0;
        if (hasNames && MustWaitForAnswers(received, at, ref from, rewritten)) return;
        if (isWhole) ForgetForeignSequences(_queryFacts.Traits, received, at, ref from, rewritten);
        // A Query destroys the unnamed statement (protocol-flow: Extended Query).
        _statements.ForgetUnnamed();
        server.Statements.Unnamed = default;
        if (isWhole)
        {
            ReadOnlySpan<byte> sql = Query.Read(body).Sql;
            StatementFacts facts = _queryFacts;
            if ((facts.Traits & StatementFilter.Matters) != 0 && StatementFilter.Judge(sql, Rules) is { } verdict)
            {
                Cut(received, at, ref from, rewritten, FrameHeader.Size + body.Length);
                sql = Apply(verdict, sql, out refused);
                facts = SqlScanner.Scan(sql);
                if (hasNames && refused is null && TryTakeNames(sql, facts.Traits, 0, received, at, ref from, rewritten)) return;
                Query.Write(rewritten, sql);
            }
            else if (hasNames && TryTakeNames(sql, facts.Traits, FrameHeader.Size + body.Length, received, at, ref from, rewritten)) return;
            NoteQuery(sql, facts);
        }
        else
        {
            NoteUnscanned();
            BeginLongText(body);
        }
        server.Ledger.Push(Owed.Query, swallow: false, refused);
        _isDiscardClosed = _isDiscardSent;
    }

    /// <summary>Handles a Parse whose text does not pass as it is.</summary>
    /// <returns>False when it passes.</returns>
    private bool TryTakeFilteredParse(Parse parse, int length, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        if (StatementFilter.Judge(parse.Sql, Rules) is not { } verdict) return false;
        Cut(received, at, ref from, rewritten, FrameHeader.Size + length);
        ReadOnlySpan<byte> sql = Apply(verdict, parse.Sql, out RefusedStatement? refused);
        if (refused is not null)
        {
            // Unnamed on the server, where a failed Parse leaves nothing; to the client its unnamed statement is gone only when that is what it parsed.
            if (parse.StatementName.IsEmpty) _statements.ForgetUnnamed();
            Parse.Write(rewritten, default, sql);
            _server!.Statements.Unnamed = UnnamedStatement.Unknown;
            _server.Ledger.Push(Owed.Parse, swallow: false, refused);
            return true;
        }
        var limited = new FrameWriter();
        Parse.Write(limited, parse.StatementName, sql, parse.ParameterTypes);
        ReadOnlySpan<byte> body = limited.WrittenSpan[FrameHeader.Size..];
        TakeParse(body, received, at, ref from, rewritten, insteadOf: length);
        return true;
    }

    /// <summary>A text of which not all is here: it is judged as its parts pass by, and the server runs nothing before the last of them.</summary>
    private void BeginLongText(ReadOnlySpan<byte> start)
    {
        _longText = new LongText(Rules);
        FeedLongText(start, isLast: false);
    }

    /// <exception cref="PgErrorException">It is refused. Parts of the message are out already, so the connections end with it.</exception>
    private void FeedLongText(ReadOnlySpan<byte> part, bool isLast)
    {
        if (_longText!.Feed(part) is { } verdict) throw new PgErrorException(ProxyErrors.StatementRefused(verdict).AsFatal());
        if (isLast) _longText = null;
    }

    /// <summary>What goes to the server, and what to mark it with when that is to fail. Where limits took the place of values the client is told so in its turn.</summary>
    private ReadOnlySpan<byte> Apply(StatementVerdict verdict, ReadOnlySpan<byte> sql, out RefusedStatement? refused)
    {
        refused = null;
        if (verdict.Refusal != StatementRefusal.None)
        {
            _stats.ErrorsClient++;
            refused = new RefusedStatement(ProxyErrors.StatementRefused(verdict));
            return RefusedStatement.Text;
        }
        foreach (LimitedSetting setting in verdict.Limited)
        {
            var notice = new FrameWriter();
            NoticeResponse.Write(notice, ProxyErrors.SettingLimited(setting.Name, setting.Limit.MaxText));
            _server!.Ledger.Push(Owed.OwnMessage, swallow: false, notice.WrittenSpan.ToArray());
        }
        return verdict.Rewrite(sql);
    }

    /// <summary>Brings settings that were taken over before within the plan as it is now: from the start-up packet, or from before the plan was changed.</summary>
    private void KeepWithinLimits()
    {
        // Compared by what the pool holds itself: for a tenant that asks rarely each object on the way to its rules is a cache miss, in every transaction.
        if (ReferenceEquals(_limitedBy, _pool.Config)) return;
        _limitedBy = _pool.Config;
        _startup = _pool.Settings.Intern(_startup.Within(Rules.Limits));
        _settings = _pool.Settings.Intern(_settings.Within(Rules.Limits));
    }

    /// <inheritdoc/>
    public byte[]? InPlaceOf(ErrorFields error)
        => _isOutOfTime && error.SqlState.SequenceEqual("57014"u8) ? new RefusedStatement(ProxyErrors.StatementTimeReached(_pool.Config.Limits.Statement)).Frame : null;

    /// <inheritdoc/>
    public void OnOverdue(ServerConnection server, Overdue overdue)
    {
        _stats.ErrorsClient++;
        switch (overdue)
        {
            case Overdue.Statement:
                _isOutOfTime = true;
                if (server.CancelsUnderWay < CancelsMax) _ = CancelAsync(server);
                break;
            case Overdue.CancelledStatement:
                EndOverdue(server, ProxyErrors.StatementTimeReached(_pool.Config.Limits.Statement).AsFatal());
                break;
            case Overdue.Transaction:
                EndOverdue(server, ProxyErrors.TransactionTooLong(_pool.Config.Limits.Transaction));
                break;
            case Overdue.IdleInTransaction:
                EndOverdue(server, ProxyErrors.IdleInTransactionTooLong(_pool.Config.Limits.IdleInTransaction));
                break;
        }
    }

    private void EndOverdue(ServerConnection server, PgError error)
    {
        // In the middle of a row the client would take the error for part of it.
        if (!server.IsMidMessage) SendError(error);
        Leave(cancel: true);
        _link.Close(FlushDeadline);
    }
}
