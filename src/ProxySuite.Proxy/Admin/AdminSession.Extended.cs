using System.Buffers.Binary;
using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Admin;

/// <summary>Prepared statements and portals: what drivers send also for commands without parameters.</summary>
internal sealed partial class AdminSession
{
    /// <summary>Statements, and portals, of a session at a time.</summary>
    private const int NamesMax = 100;

    private readonly Dictionary<string, AdminCommand?> _statements = []; // null: an empty text
    private readonly Dictionary<string, Portal> _portals = [];
    private bool _isSkipping;  // after an error, until Sync
    private bool _mayFlush = true;

    /// <returns>False when the session is over.</returns>
    private async ValueTask<bool> ExtendedAsync(FrontendMessage type, byte[] body)
    {
        try
        {
            if (type == FrontendMessage.Execute) await ExecuteAsync(body);
            else Prepare(type, body);
            return true;
        }
        catch (PgErrorException refused) when (refused is not PgProtocolException)
        {
            _isSkipping = true;
            ErrorResponse.Write(Out, refused.Error);
            return refused.Error.Severity != "FATAL" || await LeaveAsync();
        }
    }

    private void Prepare(FrontendMessage type, byte[] body)
    {
        switch (type)
        {
            case FrontendMessage.Parse:
                Wire.Messages.Parse parse = Wire.Messages.Parse.Read(body);
                List<List<AdminText.Token>> statements = AdminText.Split(Text(parse.Sql));
                if (statements.Count > 1) throw new PgErrorException(new PgError(SqlState.SyntaxError, "cannot insert multiple commands into a prepared statement", Hint: "Send them one by one."));
                AdminCommand? command = statements.Count == 0 ? null : AdminParser.Read(statements[0]);
                CheckRoom(_statements.Count);
                _statements[Text(parse.StatementName)] = command;
                ParseComplete.Write(Out);
                break;
            case FrontendMessage.Bind:
                Bind bind = Bind.Read(body);
                if (bind.ParameterCount > 0) throw new PgErrorException(AdminErrors.NoParameters());
                CheckRoom(_portals.Count);
                _portals[Text(bind.PortalName)] = new Portal(StatementOf(Text(bind.StatementName)), ResultFormats(bind.Rest));
                BindComplete.Write(Out);
                break;
            case FrontendMessage.Describe:
                Describe describe = Describe.Read(body);
                bool isStatement = describe.Target == StatementOrPortal.Statement;
                Portal target = isStatement ? new Portal(StatementOf(Text(describe.Name)), []) : PortalOf(Text(describe.Name));
                if (isStatement) Out.WriteBytes("t\0\0\0\u0006\0\0"u8); // ParameterDescription: none
                if (target.Command is { Columns.Count: > 0 } shows) AdminRows.Describe(Out, shows.Columns, target.Formats);
                else NoData.Write(Out);
                break;
            case FrontendMessage.Close:
                Close close = Close.Read(body);
                if (close.Target == StatementOrPortal.Statement) _statements.Remove(Text(close.Name));
                else _portals.Remove(Text(close.Name));
                CloseComplete.Write(Out);
                break;
        }
    }

    private async Task ExecuteAsync(byte[] body)
    {
        (Portal portal, int rowsMax) = PortalToRun(body);
        if (portal.Command is not { } command)
        {
            EmptyQueryResponse.Write(Out);
            return;
        }
        if (portal.Answer is null)
        {
            portal.Answer = await RunAsync(command);
            if (portal.Answer.Notice is { } notice) NoticeResponse.Write(Out, notice);
        }
        for (int sent = 0; portal.Sent < portal.Answer.Rows.Count; sent++)
        {
            if (rowsMax > 0 && sent == rowsMax)
            {
                PortalSuspended.Write(Out);
                return;
            }
            await RowAsync(command.Columns, portal.Answer.Rows[portal.Sent++], portal.Formats);
        }
        CommandComplete.Write(Out, command.Tag);
    }

    private (Portal Portal, int RowsMax) PortalToRun(byte[] body)
    {
        Execute execute = Execute.Read(body);
        return (PortalOf(Text(execute.PortalName)), execute.RowsMax);
    }

    private AdminCommand? StatementOf(string name) => _statements.TryGetValue(name, out AdminCommand? command) ? command : throw new PgErrorException(AdminErrors.NoSuchStatement(name));

    private Portal PortalOf(string name) => _portals.TryGetValue(name, out Portal? portal) ? portal : throw new PgErrorException(AdminErrors.NoSuchPortal(name));

    private static void CheckRoom(int count)
    {
        if (count >= NamesMax) throw new PgErrorException(AdminErrors.TooManyStatements(NamesMax));
    }

    /// <summary>Format codes of the results, two bytes each, from a Bind that was read whole and has no parameters.</summary>
    private static byte[] ResultFormats(ReadOnlySpan<byte> rest)
    {
        int parameterFormats = BinaryPrimitives.ReadUInt16BigEndian(rest);
        return rest[(2 + (2 * parameterFormats) + 2 + 2)..].ToArray();
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>A command on its way: what it answered, and how much of that has been sent.</summary>
    private sealed class Portal(AdminCommand? command, byte[] formats)
    {
        public AdminCommand? Command { get; } = command;

        public byte[] Formats { get; } = formats;

        public AdminAnswer? Answer { get; set; }

        public int Sent { get; set; }
    }
}
