using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// What currval and lastval answer is what the session drew from a sequence last, and a server keeps it from client to client. A text that asks for it finds its own
/// client's on the server that the client had last, if nobody had it since; on any other PostgreSQL says that there is none (55000), and never gives somebody else's.
/// </summary>
internal sealed partial class ClientSession
{
    private bool _isServerForeign; // somebody else had it last, and nothing of this client's has been sent since it was lent

    private void ForgetForeignSequences(StatementTraits traits, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        if (!_isServerForeign || (traits & StatementTraits.ReadsSequences) == 0 || _isNative) return;
        _isServerForeign = false;
        // A message that is rewritten has been cut out already.
        if (from < at)
        {
            rewritten.WriteBytes(received[from..at]);
            from = at;
        }
        ServerConnection server = _server!;
        Query.Write(rewritten, "DISCARD SEQUENCES"u8);
        server.Ledger.Push(Owed.Query, swallow: true);
        // A Query destroys the unnamed statement, whoever sent it (protocol-flow: Extended Query).
        server.Statements.Unnamed = default;
    }
}
