namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Receiving: ciphertext that the connection below shows becomes plaintext that the handler is shown, by the rules of the seam.</summary>
internal sealed partial class TlsConnection
{
    private const int Ended = 0;   // close_notify, or end-of-stream below
    private const int Dry = -1;    // more ciphertext is needed
    private const int Broken = -2; // what came is not TLS, or not from whom it should be

    // As the connection below: a peer that sent its end may still read what is queued for it, for this long.
    private static readonly TimeSpan HalfClosedFlush = TimeSpan.FromSeconds(5);

    private TlsRest _rest;
    private ValueTask<int> _waiting;  // a read of no bytes: while it is pending the TLS layer holds no buffer
    private bool _isWaiting;
    private bool _showRest;
    private bool _paused;
    private bool _isScheduled;
    private CloseCause? _end;         // the connection below has ended, and plaintext is still to be shown

    public override void PauseReading()
    {
        _paused = true;
        _inner.PauseReading();
    }

    public override void ResumeReading()
    {
        _paused = false;
        _showRest = true;
        _inner.ResumeReading();
        // What was decrypted, or taken and not decrypted yet, is no longer with the connection below.
        if (!_inPipeMode && (_rest.Length > 0 || !_isWaiting || _end is not null)) Schedule();
    }

    unsafe Consumed IConnectionHandler.OnBytes(ReadOnlySpan<byte> received)
    {
        int left;
        fixed (byte* bytes = received)
        {
            _cipher.Feed(bytes, received.Length);
            try
            {
                Show();
            }
            finally
            {
                left = _cipher.TakeBack();
            }
        }
        return new Consumed(received.Length - left, KeepReading: !_paused);
    }

    void IConnectionHandler.OnDrained() => _handler?.OnDrained();

    void IConnectionHandler.OnClosed(CloseCause cause)
    {
        if (cause is CloseCause.PeerFinished or CloseCause.PeerReset)
        {
            _end = cause;
            _cipher.End();
            Show();
            // A pause hides the end of a peer whose last bytes matter; ResumeReading shows them and then tells.
            if (_paused && ReadsToEnd) return;
        }
        EndFromOutside(cause);
    }

    /// <summary>Decrypts what is there, behind the rest, for a pipe's reader.</summary>
    /// <returns>Bytes added to the rest; 0 at the end of the stream; -1 when ciphertext has to come first.</returns>
    /// <exception cref="IOException">The peer does not speak TLS any more.</exception>
    internal int DecryptIntoRest()
    {
        int decrypted = Decrypt(_rest.Room(ReceiveSize));
        _rest.Advance(Math.Max(decrypted, 0));
        return decrypted == Broken ? throw new IOException("the peer's TLS records could not be decrypted") : decrypted;
    }

    /// <summary>Takes ciphertext for a pipe's reader, all of it: what is not decrypted at once waits in the TLS layer.</summary>
    /// <param name="received">May be empty.</param>
    /// <param name="isLast">No more will come.</param>
    /// <returns>How many bytes were taken.</returns>
    internal unsafe int Feed(ReadOnlySpan<byte> received, bool isLast)
    {
        int left;
        fixed (byte* bytes = received)
        {
            if (!received.IsEmpty) _cipher.Feed(bytes, received.Length);
            if (isLast) _cipher.End();
            try
            {
                while (_rest.Length < ReceiveSize && DecryptIntoRest() > 0)
                {
                    // Until the TLS layer asks for more than there is.
                }
            }
            finally
            {
                left = _cipher.TakeBack();
            }
        }
        return received.Length - left;
    }

    private void Show()
    {
        while (!_paused && _handler is not null)
        {
            byte[] plain = TlsBuffers.Current.Plain;
            int length = _rest.Length;
            _rest.Bytes.CopyTo(plain);
            int decrypted = length < ReceiveSize ? Decrypt(plain.AsMemory(length)) : Dry;
            if (decrypted > 0 || (length > 0 && (_showRest || length == ReceiveSize)))
            {
                ShowToHandler(plain.AsSpan(0, length + Math.Max(decrypted, 0)));
            }
            else
            {
                if (decrypted != Dry) EndFromOutside(_end ?? (decrypted == Ended ? CloseCause.PeerFinished : CloseCause.PeerReset));
                return;
            }
        }
    }

    private void ShowToHandler(ReadOnlySpan<byte> bytes)
    {
        _showRest = false;
        IConnectionHandler handler = _handler!;
        Consumed consumed = handler.OnBytes(bytes);
        if (_handler is null) return;
        bool stuck = consumed.Bytes == 0 && bytes.Length == ReceiveSize && consumed.KeepReading && !_paused && ReferenceEquals(handler, _handler);
        if (stuck || (uint)consumed.Bytes > (uint)bytes.Length)
        {
            throw new InvalidOperationException($"a handler that was shown {bytes.Length} bytes consumed {consumed.Bytes} and reads on");
        }
        if (!consumed.KeepReading) _paused = true;
        _rest.Keep(bytes[consumed.Bytes..]);
    }

    private int Decrypt(Memory<byte> into)
    {
        try
        {
#pragma warning disable CA2012 // Kept while it is pending, asked whether it is complete, and consumed once, below: as a task it would be an object for every wait.
            if (!_isWaiting) _waiting = _tls.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2012
            _isWaiting = !_waiting.IsCompleted;
            if (_isWaiting) return Dry;
            _ = _waiting.GetAwaiter().GetResult();
            // There is plaintext, or the end: this completes at once.
            ValueTask<int> read = _tls.ReadAsync(into);
            return read.IsCompleted ? read.GetAwaiter().GetResult() : Broken;
        }
        catch (Exception)
        {
            // Of whatever kind: it is the peer's bytes that the TLS library made nothing of.
            return Broken;
        }
    }

    private void Schedule()
    {
        if (_isScheduled) return;
        _isScheduled = true;
        Reactor.Post(static connection => ((TlsConnection)connection!).RunDue(), this);
    }

    private void RunDue()
    {
        _isScheduled = false;
        try
        {
            Show();
            if (_paused) _inner.PauseReading();
        }
        catch (Exception)
        {
            // The loop reports it; as with any handler that fails, the connection ends.
            EndFromOutside(CloseCause.HandlerFailed);
            throw;
        }
    }

    private void EndFromOutside(CloseCause cause)
    {
        IConnectionHandler? handler = _handler;
        if (handler is null) return;
        if (cause == CloseCause.PeerFinished)
        {
            SayGoodbye();
            _inner.Close(HalfClosedFlush);
        }
        else
        {
            _inner.Abort();
        }
        Release();
        handler.OnClosed(cause);
    }
}
