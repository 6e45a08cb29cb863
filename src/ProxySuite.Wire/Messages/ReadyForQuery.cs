using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Where the server's session stands when it says it is ready.</summary>
public enum TransactionStatus : byte
{
    Idle = (byte)'I',
    InTransaction = (byte)'T',
    Failed = (byte)'E',
}

/// <summary>ReadyForQuery (B): the server has answered all up to one Query, FunctionCall or Sync.</summary>
public static class ReadyForQuery
{
    /// <exception cref="PgProtocolException">08P01, when the body is not exactly one known status.</exception>
    public static TransactionStatus Read(ReadOnlySpan<byte> body)
    {
        if (body.Length != 1 || body[0] is not ((byte)'I' or (byte)'T' or (byte)'E'))
        {
            PgProtocolException.ThrowMalformed(nameof(ReadyForQuery), "its body is not one of 'I', 'T', 'E'");
        }

        return (TransactionStatus)body[0];
    }

    public static void Write(FrameWriter to, TransactionStatus status)
    {
        int mark = to.Begin(BackendMessage.ReadyForQuery);
        to.WriteByte((byte)status);
        to.End(mark);
    }
}
