using System.Collections.Concurrent;
using System.Text;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Testing.Protocol;

/// <summary>
/// Answers for a <see cref="ScriptedBackend"/> like a server whose every query returns its own text: one row, one column <c>echo</c>.
/// A client that knows what it asked sees at once when an answer is another's.
/// </summary>
/// <remarks>
/// BEGIN, COMMIT and ROLLBACK move the transaction status, and a text that begins with <c>fail</c> fails with XX000, in the extended protocol up to Sync.
/// </remarks>
public sealed class EchoResponder
{
    private readonly ConcurrentDictionary<ScriptedConnection, Session> _sessions = new();

    /// <summary>For <see cref="ScriptedBackendOptions.Respond"/>.</summary>
    public byte[]? Respond(ScriptedConnection connection, WireMessage message)
        => _sessions.GetOrAdd(connection, _ => new Session()).Answer((FrontendMessage)message.Type, message.Body);

    private sealed class Session
    {
        private readonly Dictionary<string, string> _statements = [];
        private readonly Dictionary<string, string> _portals = [];
        private char _status = 'I';
        private bool _skipsToSync;

        public byte[]? Answer(FrontendMessage type, ReadOnlySpan<byte> body)
        {
            if (type == FrontendMessage.Sync)
            {
                _skipsToSync = false;
                return BackendBytes.ReadyForQuery(_status);
            }
            if (_skipsToSync) return null;
            switch (type)
            {
                case FrontendMessage.Query:
                    return FrontendBytes.Join(Run(Text(Query.Read(body).Sql), withDescription: true), BackendBytes.ReadyForQuery(_status));
                case FrontendMessage.Parse:
                    Parse parse = Parse.Read(body);
                    _statements[Text(parse.StatementName)] = Text(parse.Sql);
                    return BackendBytes.ParseComplete;
                case FrontendMessage.Bind:
                    Bind bind = Bind.Read(body);
                    if (!_statements.TryGetValue(Text(bind.StatementName), out string? sql)) return Fail("26000", $"prepared statement \"{Text(bind.StatementName)}\" does not exist");
                    _portals[Text(bind.PortalName)] = sql;
                    return BackendBytes.BindComplete;
                case FrontendMessage.Describe:
                    return Describe.Read(body).Target == StatementOrPortal.Statement ? FrontendBytes.Join(BackendBytes.ParameterDescription(), BackendBytes.RowDescription("echo")) : BackendBytes.RowDescription("echo");
                case FrontendMessage.Execute:
                    byte[] answer = Run(_portals[Text(Execute.Read(body).PortalName)], withDescription: false);
                    _skipsToSync = answer[0] == (byte)BackendMessage.ErrorResponse;
                    return answer;
                case FrontendMessage.Close:
                    Close close = Close.Read(body);
                    (close.Target == StatementOrPortal.Statement ? _statements : _portals).Remove(Text(close.Name));
                    return BackendBytes.CloseComplete;
                default:
                    return null;
            }
        }

        private byte[] Run(string sql, bool withDescription)
        {
            string keyword = sql.Trim().Split(' ', ';')[0].ToUpperInvariant();
            if (keyword == "FAIL")
            {
                if (_status == 'T') _status = 'E';
                return BackendBytes.Error("XX000", sql);
            }
            if (keyword is "BEGIN" or "COMMIT" or "ROLLBACK" or "SET" or "DISCARD" or "RESET")
            {
                if (keyword is "BEGIN") _status = 'T';
                else if (keyword is "COMMIT" or "ROLLBACK") _status = 'I';
                return BackendBytes.CommandComplete(keyword == "DISCARD" ? "DISCARD ALL" : keyword);
            }
            byte[] rows = FrontendBytes.Join(BackendBytes.DataRow(sql), BackendBytes.CommandComplete("SELECT 1"));
            return withDescription ? FrontendBytes.Join(BackendBytes.RowDescription("echo"), rows) : rows;
        }

        private byte[] Fail(string sqlState, string message)
        {
            _skipsToSync = true;
            if (_status == 'T') _status = 'E';
            return BackendBytes.Error(sqlState, message);
        }

        private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
    }
}
