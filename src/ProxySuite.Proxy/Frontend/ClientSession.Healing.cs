using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Prepared statements that a server no longer runs as it parsed them: the result has another shape since (0A000), or they are gone (26000, dropped inside a
/// function). The batch that met the error is sent once more when that cannot be told from having been sent later: no transaction, nothing answered yet.
/// </summary>
internal sealed partial class ClientSession
{
    private static ReadOnlySpan<byte> NoSuchFunction => "FetchPreparedStatement"u8;

    // The hint that tenancy.current_tenant() and tenancy.sealed_tenant() raise for a tenant that is fenced off.
    private static ReadOnlySpan<byte> NotServedHere => "proxysuite:moved"u8;

    private static ReadOnlySpan<byte> ChangedShape => "RevalidateCachedQuery"u8;

    private byte[]? _kept;         // the batch under way as the client sent it, while nothing of its answer has gone out
    private int _keptLength;
    private bool _isKeptWhole;     // its Sync is in
    private bool _isKeptDescribed; // it asks for the shape of its result
    private bool _isAskingAgain;   // from the error to the ReadyForQuery behind it
    private bool _isSecondTime;    // what is sent now was sent before

    /// <summary>Keeps a message of the batch under way, as far as it could be sent again.</summary>
    private void Keep(FrontendMessage type, ReadOnlySpan<byte> message, bool isWhole, bool isBatchStart)
    {
        if (_kept is null)
        {
            // A statement parsed in the batch itself is new; only one that was there before can be outdated.
            if (!isBatchStart || _isSecondTime || type is not (FrontendMessage.Bind or FrontendMessage.Describe) || _server!.Ledger.Status != TransactionStatus.Idle) return;
            _kept = _context.Batches.Rent();
            _keptLength = 0;
            _isKeptWhole = _isKeptDescribed = false;
        }
        if (!isWhole || _isKeptWhole || message.Length > BatchBuffers.Size - _keptLength
            || type is not (FrontendMessage.Bind or FrontendMessage.Describe or FrontendMessage.Execute or FrontendMessage.Sync or FrontendMessage.Flush))
        {
            ForgetKept();
            return;
        }
        message.CopyTo(_kept.AsSpan(_keptLength));
        _keptLength += message.Length;
        _isKeptWhole = type == FrontendMessage.Sync;
        _isKeptDescribed |= type == FrontendMessage.Describe;
    }

    private void ForgetKept()
    {
        if (_kept is null) return;
        _context.Batches.Return(_kept);
        _kept = null;
    }

    /// <inheritdoc/>
    public bool OnErrorComing(ServerConnection server, ReadOnlySpan<byte> body, out byte[]? instead)
    {
        instead = null;
        ErrorFields fields = ErrorResponse.Read(body);
        if (fields.SqlState.SequenceEqual("42501"u8) && fields[(byte)'H'].SequenceEqual(NotServedHere))
        {
            // The fence of a shard that the tenant has left. What it refused is undone with its transaction, so the client may be told to run it again.
            if (_pool is not SealedTenantPool) server.IsCondemned = true;
            _pool.OnNotServedHere();
            instead = new RefusedStatement(ProxyErrors.NotServedHere()).Frame;
            return true;
        }
        SharedStatement? statement = server.Ledger.HeadTag as SharedStatement ?? (server.Ledger.HeadTag as NameWork)?.Executes;
        bool isOutdated = statement is not null && fields.SqlState.SequenceEqual("0A000"u8) && fields[(byte)'R'].SequenceEqual(ChangedShape);
        bool isLost = statement is not null && fields.SqlState.SequenceEqual("26000"u8) && fields[(byte)'R'].SequenceEqual(NoSuchFunction)
            && fields.Message.IndexOf(statement.ServerName) >= 0;
        if (isOutdated) statement!.Generation++;
        if (isLost)
        {
            server.Statements.Remove(statement!);
            // Who took this one away may have taken others.
            server.IsCondemned = true;
        }
        // A client that does not ask for the new shape would read the rows by the old one: as on PostgreSQL it is told.
        if (_kept is not null && _isKeptWhole && (isLost || (isOutdated && _isKeptDescribed)))
        {
            server.Statements.Unnamed = UnnamedStatement.Unknown;
            _isAskingAgain = true;
            return false;
        }
        instead = InClientsWords(server, body);
        return true;
    }

    /// <summary>The server is ready again behind the error that nobody has seen.</summary>
    private void AskAgain()
    {
        byte[] batch = _kept!;
        int length = _keptLength;
        _kept = null;
        _isAskingAgain = false;
        _isSecondTime = true;
        try
        {
            Relay(batch.AsSpan(0, length));
        }
        finally
        {
            _isSecondTime = false;
            _context.Batches.Return(batch);
        }
        _link.ResumeReading();
    }

    private Renamed _renamed; // the EXECUTE on its way

    /// <summary>An EXECUTE that went out with a longer or shorter name than the client wrote.</summary>
    /// <param name="Number">Its entry in the server's ledger.</param>
    /// <param name="Start">Characters in front of the name.</param>
    /// <param name="Longer">Characters by which the text grew.</param>
    private readonly record struct Renamed(long Number, int Start, int Longer);

    /// <summary>An error that speaks of one of the proxy's names, or of a place behind one, as the client would read it had its text gone out as it came.</summary>
    private byte[]? InClientsWords(ServerConnection server, ReadOnlySpan<byte> body)
    {
        bool isRenamed = _renamed.Longer != 0 && _renamed.Number == server.Ledger.LastSettled + 1;
        if (!isRenamed && body.IndexOf(SharedStatement.NamePrefix) < 0) return null;
        FrameWriter frame = new();
        int mark = frame.Begin(BackendMessage.ErrorResponse);
        for (ReadOnlySpan<byte> rest = body; rest.Length > 1;)
        {
            int length = rest[1..].IndexOf((byte)0);
            ReadOnlySpan<byte> value = rest.Slice(1, length);
            frame.WriteByte(rest[0]);
            if (rest[0] == 'P' && isRenamed && System.Buffers.Text.Utf8Parser.TryParse(value, out int position, out _) && position > _renamed.Start + 1)
            {
                frame.WriteUtf8((position - _renamed.Longer).ToString(System.Globalization.CultureInfo.InvariantCulture));
            }
            else WriteInClientsWords(frame, value);
            frame.WriteByte(0);
            rest = rest[(length + 2)..];
        }
        frame.WriteByte(0);
        frame.End(mark);
        return frame.WrittenSpan.ToArray();
    }

    private void WriteInClientsWords(FrameWriter to, ReadOnlySpan<byte> text)
    {
        while (text.IndexOf(SharedStatement.NamePrefix) is >= 0 and int at)
        {
            int end = at + SharedStatement.NamePrefix.Length;
            while (end < text.Length && char.IsAsciiDigit((char)text[end])) end++;
            to.WriteBytes(text[..at]);
            ReadOnlySpan<byte> name = text[at..end];
            to.WriteBytes(_statements.NameOf(name) is { } own ? own : name);
            text = text[end..];
        }
        to.WriteBytes(text);
    }

    private static int Characters(ReadOnlySpan<byte> utf8)
    {
        int count = 0;
        foreach (byte b in utf8) count += (b & 0xC0) == 0x80 ? 0 : 1;
        return count;
    }
}
