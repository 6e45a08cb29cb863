namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>Receiving: what is read when, shown to the handler, and kept until it is consumed.</summary>
internal abstract partial class LoopConnection
{
    // One connection reads at most 256 KiB before the others have their turn.
    private const int RoundsMax = 4;

    // The first buffer of a pipe read: larger than what start-up and authentication send at once.
    private const int PipeReadSize = 4 * 1024;

    private Chunk? _rest;          // received and not consumed
    private bool _showRest;        // the handler is shown the rest although nothing new came behind it
    private bool _isDrained;       // since the last event a receive brought less than it had room for
    private bool _readable;        // bytes or the end may wait in the kernel; false after a read found it drained
    private bool _paused;
    private End _hangUp;           // the peer's end is known to stand behind what can still be read
    private End _receiveEnd;       // and now all before it is read

    /// <summary>Bytes received and not consumed; null when there are none.</summary>
    internal Chunk? Rest => _rest;

    /// <summary>True when a receive may find something.</summary>
    internal bool IsReadable => _readable && _stage == Stage.Open;

    public sealed override void PauseReading()
    {
        AssertCurrent();
        _paused = true;
        if (_hangUp != End.None && !_inPipeMode)
            Schedule();
    }

    public sealed override void ResumeReading()
    {
        AssertCurrent();
        _paused = false;
        _showRest = true;
        if (!_inPipeMode && (_readable || _rest is not null))
            Schedule();
    }

    /// <summary>The operating system says that a receive may find something. From the top of the loop.</summary>
    internal void OnReadable()
    {
        _readable = true;
        _isDrained = false;
        if (_stage != Stage.Open)
            return;
        if (_inPipeMode)
            _pipe?.Continue();
        else
            Show();
    }

    /// <summary>As <see cref="OnReadable"/>, and the peer's end stands behind what can be read.</summary>
    internal void OnHangUp(bool reset)
    {
        _hangUp = reset ? End.Reset : _hangUp == End.None ? End.Finished : _hangUp;
        OnReadable();
    }

    /// <summary>Receives behind the rest, which grows up to <see cref="TransportConnection.ReceiveSize"/>.</summary>
    /// <returns>As <see cref="Receive"/>; <see cref="IoResult.WouldBlock"/> also when the rest is full.</returns>
    internal int ReceiveIntoRest()
    {
        Chunk rest = MakeRoom();
        int received = rest.Room.IsEmpty ? IoResult.WouldBlock : ReceiveInto(rest.Room);
        if (received > 0)
            rest.End += received;
        else if (rest.Length == 0)
            DropRest();
        return received;
    }

    /// <summary>Drops the first bytes of the rest, and its buffer with the last of them.</summary>
    internal void ConsumeRest(int start)
    {
        _rest!.Start = start;
        if (_rest.Length == 0)
            DropRest();
    }

    /// <summary>Reads and shows until there is nothing more, the handler has enough, or it is the others' turn. From the top of the loop.</summary>
    private void Show()
    {
        for (int round = 0; !_paused && _stage == Stage.Open; round++)
        {
            if (round == RoundsMax)
            {
                ShowMoreNextTurn();
                return;
            }
            Span<byte> buffer = _reactor.ReceiveBuffer;
            int length = 0;
            if (_rest is not null)
            {
                length = _rest.Length;
                _rest.Bytes.CopyTo(buffer);
            }
            bool isFull = length == ReceiveSize;
            int received = _readable && !isFull ? ReceiveInto(buffer[length..]) : IoResult.WouldBlock;
            if (received > 0)
                ShowToHandler(buffer[..(length + received)]);
            else if (length > 0 && (_showRest || isFull))
                ShowToHandler(buffer[..length]);
            else
                break;
            if (!_readable && !_showRest)
                break; // the common end: one receive, shorter than the buffer
        }
        TellIfGone();
    }

    /// <summary>Tells the handler of the peer's end, once all is read or when a pause would hide it.</summary>
    private void TellIfGone()
    {
        if (_stage != Stage.Open || _inPipeMode)
            return;
        if (_paused && _readable && _hangUp == End.None)
            OnReadableWhilePaused();
        End end = _receiveEnd;
        if (end == End.None && _paused)
            end = _hangUp;
        // Without a way to answer there is nothing to wait for, except for what the peer sent before.
        if (end == End.None && (_paused || (!_readable && !IsEndToCome)))
            end = _sendEnd;
        if (end == End.None || (_paused && ReadsToEnd))
            return;
        EndFromOutside(end == End.Finished && _sendEnd == End.None ? CloseCause.PeerFinished : CloseCause.PeerReset);
    }

    private void ShowToHandler(ReadOnlySpan<byte> bytes)
    {
        _showRest = false;
        IConnectionHandler handler = _handler!;
        Consumed consumed;
        try
        {
            consumed = handler.OnBytes(bytes);
        }
        catch (Exception e)
        {
            FailHandler(e);
            return;
        }
        if (_stage != Stage.Open)
            return;
        bool stuck = consumed.Bytes == 0 && bytes.Length == ReceiveSize && consumed.KeepReading && !_paused && ReferenceEquals(handler, _handler);
        if (stuck || (uint)consumed.Bytes > (uint)bytes.Length)
        {
            FailHandler(new InvalidOperationException($"a handler that was shown {bytes.Length} bytes consumed {consumed.Bytes} and reads on"));
            return;
        }
        if (!consumed.KeepReading)
            _paused = true;
        KeepRest(bytes[consumed.Bytes..]);
    }

    /// <summary>One receive, and what it says about the next.</summary>
    private int ReceiveInto(Span<byte> buffer)
    {
        int received = _receiveEnd == End.None ? Receive(buffer) : _receiveEnd == End.Finished ? 0 : IoResult.Broken;
        if (received > 0)
        {
            // Less than asked for means drained, and new bytes are a new event; but no event comes after the peer's end.
            _isDrained = received < buffer.Length;
            _readable = !_isDrained || _hangUp != End.None;
        }
        else if (received == IoResult.WouldBlock)
        {
            _readable = false;
        }
        else
        {
            // Whoever asked first took the socket's error; after it a receive says end-of-stream.
            _receiveEnd = received == 0 && _hangUp != End.Reset ? End.Finished : End.Reset;
            _hangUp = _receiveEnd;
            return _receiveEnd == End.Finished ? 0 : IoResult.Broken;
        }
        if (!_readable)
            AwaitReadable();
        return received;
    }

    /// <summary>Keeps unconsumed bytes of the reactor's buffer in a chunk of fitting size, none when there are none.</summary>
    private void KeepRest(ReadOnlySpan<byte> bytes)
    {
        if (_rest is { } old && (bytes.IsEmpty || old.SizeClass != ChunkPool.ClassOf(bytes.Length)))
            DropRest();
        if (bytes.IsEmpty)
            return;
        _rest ??= _reactor.Chunks.Rent(bytes.Length);
        bytes.CopyTo(_rest.Array);
        _rest.Start = 0;
        _rest.End = bytes.Length;
    }

    private Chunk MakeRoom()
    {
        if (_rest is null)
            return _rest = _reactor.Chunks.Rent(PipeReadSize);
        if (!_rest.Room.IsEmpty || _rest.Length == ReceiveSize)
            return _rest;
        Chunk old = _rest;
        if (old.Start > 0)
        {
            old.Bytes.CopyTo(old.Array);
            old.End = old.Length;
            old.Start = 0;
            return old;
        }
        Chunk larger = _reactor.Chunks.Rent(old.Length + 1);
        old.Bytes.CopyTo(larger.Array);
        larger.End = old.Length;
        _reactor.Chunks.Return(old);
        return _rest = larger;
    }

    private void DropRest()
    {
        if (_rest is null)
            return;
        _reactor.Chunks.Return(_rest);
        _rest = null;
    }

    /// <summary>Drops the rest at the end. A pipe's reader may still look at it: then the runtime's collector takes it, not the pool.</summary>
    private void ForgetRest()
    {
        if (_rest is not null && _inPipeMode)
        {
            _reactor.Chunks.Leave(_rest);
            _rest = null;
        }
        DropRest();
    }

    private void ShowMoreNextTurn()
    {
        if (_scheduled)
            return;
        _scheduled = true;
        _reactor.ScheduleNextTurn(this);
    }
}
