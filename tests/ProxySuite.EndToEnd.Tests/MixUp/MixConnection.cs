using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.EndToEnd.Tests.MixUp;

/// <summary>A logged-in connection that sends any bytes and reads whole answers, quickly.</summary>
internal sealed class MixConnection : IDisposable
{
    private readonly RawClient _client;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start, _end;

    private MixConnection(RawClient client) => _client = client;

    private Socket Socket => _client.Wire.Socket;

    public static async Task<MixConnection> OpenAsync(Proxyd proxyd, TestTenant tenant) => new(await proxyd.LoginRawAsync(tenant));

    public async Task SendAsync(params byte[][] messages)
    {
        byte[] bytes = messages.Length == 1 ? messages[0] : FrontendBytes.Join(messages);
        for (int sent = 0; sent < bytes.Length;) sent += await Socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None);
    }

    /// <summary>Sends the bytes in pieces of random length.</summary>
    public async Task SendInPiecesAsync(byte[] bytes, Random random)
    {
        for (int sent = 0; sent < bytes.Length;)
        {
            int length = Math.Min(bytes.Length - sent, random.Next(1, 4000));
            sent += await Socket.SendAsync(bytes.AsMemory(sent, length), SocketFlags.None);
        }
    }

    public Task CancelAsync() => _client.CancelAsync();

    /// <inheritdoc cref="MessageSocket.Reset"/>
    public void Reset() => _client.Wire.Reset();

    public void HalfClose() => _client.Wire.HalfClose();

    /// <exception cref="TimeoutException">Nothing whole came in time.</exception>
    /// <exception cref="IOException">The connection ended instead.</exception>
    public async Task<Answer> ReadAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        var answer = new Answer();
        try
        {
            while (true)
            {
                int length = await NextAsync(limit.Token);
                bool isLast = Take(answer, (BackendMessage)_buffer[_start], _buffer.AsSpan(_start + FrameHeader.Size, length - FrameHeader.Size));
                _start += length;
                if (isLast) return answer;
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no whole answer after {timeout.TotalSeconds} s, only {answer}");
        }
        catch (Exception lost) when (lost is SocketException or EndOfStreamException)
        {
            throw new IOException($"the connection was lost behind {answer}: {lost.Message}", lost);
        }
    }

    /// <summary>Reads to the end of the connection, whatever comes.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            while (await Socket.ReceiveAsync(_buffer, SocketFlags.None, limit.Token) > 0) _start = _end = 0;
        }
        catch (SocketException)
        {
            // Reset is an end as well.
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Makes sure that a whole message stands at <see cref="_start"/>.</summary>
    /// <returns>Its length, header included.</returns>
    private async ValueTask<int> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            int have = _end - _start;
            int need = have < FrameHeader.Size ? FrameHeader.Size : 1 + BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start + 1));
            if (have >= need && have >= FrameHeader.Size) return need;
            if (_start + need > _buffer.Length)
            {
                byte[] next = need > _buffer.Length ? new byte[need * 2] : _buffer;
                _buffer.AsSpan(_start, have).CopyTo(next);
                (_buffer, _start, _end) = (next, 0, have);
            }
            int received = await Socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellationToken);
            if (received == 0) throw new EndOfStreamException("the peer closed it");
            _end += received;
        }
    }

    /// <returns>True when the message ends the answer.</returns>
    private static bool Take(Answer answer, BackendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.DataRow:
                var row = new StringBuilder();
                foreach (DataRow.Value value in DataRow.Read(body)) row.Append(row.Length > 0 ? "|" : "").Append(Encoding.UTF8.GetString(value.Bytes));
                answer.Rows.Add(row.ToString());
                return false;
            case BackendMessage.CopyData:
                answer.Rows.Add(Encoding.UTF8.GetString(body).TrimEnd('\n'));
                return false;
            case BackendMessage.CommandComplete:
                answer.Tags.Add(Encoding.UTF8.GetString(body[..^1]));
                return false;
            case BackendMessage.ErrorResponse:
                PgError error = ErrorResponse.Read(body).ToPgError();
                (answer.SqlState, answer.Error) = (error.SqlState, error.Message);
                return false;
            case BackendMessage.CopyInResponse:
                answer.Status = 'G';
                return true;
            case BackendMessage.ReadyForQuery:
                answer.Status = (char)body[0];
                return true;
            default:
                return false;
        }
    }
}
