namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>Sending: at once where possible, else queued until the peer takes it.</summary>
internal abstract partial class LoopConnection
{
    private ChunkQueue _unsent;
    private End _sendEnd; // a send failed: nothing more can leave
    private bool _isSendingFinished; // the owner said that nothing more leaves

    public sealed override int QueuedBytes => _unsent.Bytes;

    /// <summary>The chunk that leaves next.</summary>
    private protected Chunk? UnsentHead => _unsent.Head;

    public sealed override bool Send(ReadOnlySpan<byte> bytes)
    {
        AssertCurrent();
        if (IsClosed || bytes.IsEmpty || _isSendingFinished)
            return _unsent.Bytes == 0 || IsClosed;
        bool isFirst = _unsent.Bytes == 0;
        if (isFirst)
        {
            int sent = Transmit(bytes);
            if (sent == bytes.Length)
                return true;
            if (sent == IoResult.Broken)
            {
                FailSend();
                return true;
            }
            if (sent > 0)
                bytes = bytes[sent..];
        }
        _unsent.Append(_reactor.Chunks, bytes);
        if (isFirst)
            AwaitWritable();
        return false;
    }

    /// <summary>Sends what a pipe's writer has gathered; what does not leave at once is queued without a copy.</summary>
    /// <returns>False while bytes are queued.</returns>
    internal bool Send(ref ChunkQueue gathered)
    {
        AssertCurrent();
        bool isFirst = _unsent.Bytes == 0;
        while (isFirst && !IsClosed && gathered.Head is { } chunk)
        {
            int length = chunk.Length;
            int sent = length == 0 ? 0 : Transmit(chunk.Bytes);
            if (sent == IoResult.Broken)
                FailSend();
            if (sent < 0)
                break;
            gathered.Drop(_reactor.Chunks, sent);
            if (sent < length)
                break;
        }
        if (IsClosed)
        {
            gathered.Clear(_reactor.Chunks);
            return true;
        }
        _unsent.Append(ref gathered);
        if (_unsent.Bytes == 0)
            return true;
        if (isFirst)
            AwaitWritable();
        return false;
    }

    /// <summary>The operating system takes bytes again. From the top of the loop.</summary>
    internal void OnWritable()
    {
        while (_stage != Stage.Closed && _unsent.Head is { } chunk)
        {
            int length = chunk.Length;
            int sent = length == 0 ? 0 : Transmit(chunk.Bytes);
            if (sent == IoResult.Broken)
            {
                FailSend();
                return;
            }
            if (sent >= 0)
                _unsent.Drop(_reactor.Chunks, sent);
            if (sent < length)
            {
                AwaitWritable();
                return;
            }
        }
        OnAllSent();
    }

    /// <summary>The operating system took bytes of the head chunk by itself. From the top of the loop.</summary>
    private protected void OnTransmitted(int length)
    {
        if (_isSendingFinished)
            return; // it was dropped while it was under way
        _unsent.Drop(_reactor.Chunks, length);
        OnWritable();
    }

    private void OnAllSent()
    {
        if (_stage == Stage.Closed)
            return;
        StopAwaitingWritable();
        if (_stage == Stage.Finishing)
        {
            Finish();
        }
        else if (_inPipeMode)
        {
            _pipe?.Continue();
        }
        else
        {
            try
            {
                _handler!.OnDrained();
            }
            catch (Exception e)
            {
                FailHandler(e);
            }
        }
    }

    /// <summary>
    /// A send failed. What the peer sent before is still read, for it may say why: a server that is shut down sends its reason and closes. Told in a
    /// turn of its own, for a handler may be calling.
    /// </summary>
    private protected void FailSend()
    {
        if (_isSendingFinished)
            return; // what is reset then is told by the next receive
        _sendEnd = End.Reset;
        DropUnsent();
        if (_stage == Stage.Finishing)
            Release();
        else
            Schedule();
        _readable = true;
    }

    private void DropUnsent()
    {
        // The runtime's collector takes what the operating system may still be reading; anyone could rent it from the pool.
        if (IsHeadInFlight && _unsent.Head is not null)
            _reactor.Chunks.Leave(_unsent.Detach());
        _unsent.Clear(_reactor.Chunks);
    }
}
