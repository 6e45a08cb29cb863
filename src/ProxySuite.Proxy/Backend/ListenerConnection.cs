using System.Net;
using System.Text;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>Whoever a <see cref="ListenerConnection"/> listens for.</summary>
internal interface IListenerOwner
{
    /// <summary>A notification; the spans must not be kept.</summary>
    void OnNotification(ListenerConnection listener, NotificationResponse notification);

    /// <summary>The connection is gone, for whatever reason: called once.</summary>
    void OnListenerClosed(ListenerConnection listener);
}

/// <summary>A logged-in connection that no client ever uses: it listens, and answers the proxy's own small questions, in order.</summary>
internal sealed class ListenerConnection(TransportConnection link, Reactor reactor, IListenerOwner owner) : IConnectionHandler
{
    private readonly Queue<Question> _questions = [];
    private readonly FrameWriter _scratch = new();
    private bool _isGone;
    private bool _failed;
    private string? _value;

    /// <summary>The address that it was connected to.</summary>
    public EndPoint RemoteEndPoint => link.RemoteEndPoint;

    /// <summary>Closing or closed.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>Reactor time in milliseconds of the oldest question without an answer, or of the good-bye; 0 when nothing is waited for.</summary>
    public long WaitingSince { get; private set; }

    /// <summary>Asks; the answer comes when all before it are answered, and is a failure when the connection is lost first.</summary>
    /// <param name="sql">One statement that gives a row of a column at most.</param>
    /// <param name="answered">Whether it succeeded, and the last value of the column.</param>
    public void Ask(string sql, Action<bool, string?> answered)
    {
        if (IsClosing)
        {
            answered(false, null);
            return;
        }
        if (_questions.Count == 0) WaitingSince = reactor.NowMilliseconds;
        _questions.Enqueue(new Question(answered, reactor.NowMilliseconds));
        _scratch.Clear();
        Query.Write(_scratch, sql);
        link.Send(_scratch.WrittenSpan);
    }

    /// <summary>Says good-bye; the owner is told when the server has hung up.</summary>
    public void Close()
    {
        if (IsClosing) return;
        IsClosing = true;
        WaitingSince = reactor.NowMilliseconds;
        link.Send("X\0\0\0\u0004"u8);
        FailQuestions();
    }

    /// <summary>Ends it at once.</summary>
    public void Abort()
    {
        link.Abort();
        Leave();
    }

    /// <inheritdoc/>
    public Consumed OnBytes(ReadOnlySpan<byte> received)
    {
        int at = 0;
        try
        {
            while (!_isGone && FrameHeader.TryRead(received[at..], TransportConnection.ReceiveSize - FrameHeader.Size, out FrameHeader header) && header.FrameLength <= received.Length - at)
            {
                ReadOnlySpan<byte> body = received.Slice(at + FrameHeader.Size, header.BodyLength);
                at += header.FrameLength;
                if (!IsClosing) Take((BackendMessage)header.Type, body);
            }
        }
        catch (PgProtocolException)
        {
            Abort();
            return new Consumed(received.Length, KeepReading: false);
        }
        return new Consumed(at, KeepReading: true);
    }

    /// <inheritdoc/>
    public void OnDrained()
    {
    }

    /// <inheritdoc/>
    public void OnClosed(CloseCause cause) => Leave();

    private void Take(BackendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.NotificationResponse:
                owner.OnNotification(this, NotificationResponse.Read(body));
                break;
            case BackendMessage.DataRow:
                foreach (DataRow.Value value in DataRow.Read(body)) _value = value.IsNull ? null : Encoding.UTF8.GetString(value.Bytes);
                break;
            case BackendMessage.ErrorResponse:
                _failed = true;
                break;
            case BackendMessage.ReadyForQuery:
                if (!_questions.TryDequeue(out Question? question)) PgProtocolException.Throw("an answer that nobody asked for");
                (bool succeeded, string? answer) = (!_failed, _value);
                (_failed, _value) = (false, null);
                WaitingSince = _questions.TryPeek(out Question? next) ? next.AskedAt : 0;
                question.Answered(succeeded, answer);
                break;
        }
    }

    private void Leave()
    {
        if (_isGone) return;
        _isGone = IsClosing = true;
        FailQuestions();
        owner.OnListenerClosed(this);
    }

    private void FailQuestions()
    {
        while (_questions.TryDequeue(out Question? question)) question.Answered(false, null);
    }

    private sealed record Question(Action<bool, string?> Answered, long AskedAt);
}
