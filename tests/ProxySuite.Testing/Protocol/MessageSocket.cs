using System.Net.Sockets;

namespace ProxySuite.Testing.Protocol;

/// <summary>How a connection came to its end, seen from this side.</summary>
public enum Ending
{
    /// <summary>It is open, or its end was not read yet.</summary>
    None,

    /// <summary>The peer closed its side in order.</summary>
    Closed,

    /// <summary>The peer, or the kernel for it, reset the connection.</summary>
    Reset,
}

/// <summary>A socket seen as messages. It reads only when asked to, so whoever does not read holds the peer back as a real slow reader does.</summary>
public sealed class MessageSocket : IDisposable
{
    /// <summary>How long a read waits unless told otherwise: far longer than anything a test waits for takes, even on a busy machine.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly MessageSplitter _splitter;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly Side _peer;

    internal MessageSocket(Socket socket, Side peer)
    {
        _socket = socket;
        _peer = peer;
        _splitter = new MessageSplitter(peer, startsUp: peer == Side.Frontend);
        Transcript = new Transcript(startsUp: true);
        if (socket.AddressFamily == AddressFamily.InterNetwork) socket.NoDelay = true;
    }

    /// <summary>All that was sent and read, from the first byte on.</summary>
    public Transcript Transcript { get; }

    /// <summary>Known once a read has found it.</summary>
    public Ending Ending { get; private set; }

    public Socket Socket => _socket;

    /// <summary>Sends the messages, or any bytes, with one call to the kernel where it takes them at once.</summary>
    /// <exception cref="SocketException">The connection is gone.</exception>
    public async Task SendAsync(params byte[][] messages)
    {
        byte[] bytes = FrontendBytes.Join(messages);
        Record(own: true, bytes);
        for (int sent = 0; sent < bytes.Length;) sent += await _socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None);
    }

    /// <summary>Sends one byte a packet, so that the peer sees every cut there can be.</summary>
    /// <param name="pause">Between two bytes; null just lets other tasks run.</param>
    public async Task DribbleAsync(byte[] bytes, TimeSpan? pause = null)
    {
        Record(own: true, bytes);
        foreach (byte one in bytes)
        {
            await _socket.SendAsync((byte[])[one], SocketFlags.None);
            if (pause is { } time) await Task.Delay(time);
            else await Task.Yield();
        }
    }

    /// <summary>The next message of the peer; null when it ended (see <see cref="Ending"/>).</summary>
    /// <exception cref="TimeoutException">Nothing whole came in time; the message carries the transcript.</exception>
    public async Task<WireMessage?> NextAsync(TimeSpan? timeout = null)
    {
        using CancellationTokenSource limit = new(timeout ?? DefaultTimeout);
        while (true)
        {
            if (_splitter.Next() is { } message) return message;
            if (!await FillAsync(limit.Token)) return null;
        }
    }

    /// <summary>The peer's answer to an SSLRequest or GSSENCRequest is a byte without a header: announces that it comes next.</summary>
    public void ExpectSingleByte() => _splitter.ExpectSingleByte();

    /// <summary>Reads on until the peer's end and returns the messages that came before it.</summary>
    /// <exception cref="TimeoutException">The peer keeps the connection open; the message carries the transcript.</exception>
    public async Task<IReadOnlyList<WireMessage>> ReadToEndAsync(TimeSpan? timeout = null)
    {
        List<WireMessage> messages = [];
        while (await NextAsync(timeout) is { } message) messages.Add(message);
        return messages;
    }

    /// <summary>True when the peer sends nothing within the time; what it sends is kept for the next read.</summary>
    public async Task<bool> IsSilentAsync(TimeSpan time)
    {
        using CancellationTokenSource limit = new(time);
        try
        {
            return await _socket.ReceiveAsync(new byte[1], SocketFlags.Peek, limit.Token) < 0;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>Sends the end of the stream; reading goes on.</summary>
    public void HalfClose() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with a reset, as a crashed peer or an impatient middlebox does.</summary>
    public void Reset()
    {
        // SO_LINGER 0: close(2) discards what is unsent and sends RST instead of FIN (tcp(7), socket(7)).
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    /// <summary>Closes in order.</summary>
    public void Dispose()
    {
        try
        {
            // Without it a socket that is closed while an operation is pending resets the connection (SafeSocketHandle).
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The peer was faster, or it is closed already.
        }
        _socket.Dispose();
    }

    private async Task<bool> FillAsync(CancellationToken limit)
    {
        if (Ending != Ending.None) return false;
        int count;
        try
        {
            count = await _socket.ReceiveAsync(_buffer, SocketFlags.None, limit);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"nothing more came; {_splitter.PendingBytes} bytes of a message are here. So far:\n{Transcript}");
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown)
        {
            Ending = Ending.Reset;
            return false;
        }
        if (count == 0)
        {
            Ending = Ending.Closed;
            return false;
        }
        Record(own: false, _buffer.AsSpan(0, count));
        _splitter.Add(_buffer.AsSpan(0, count));
        return true;
    }

    private void Record(bool own, ReadOnlySpan<byte> bytes)
    {
        if (own == (_peer == Side.Backend)) Transcript.Frontend(bytes);
        else Transcript.Backend(bytes);
    }
}
