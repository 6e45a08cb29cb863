using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Admin;

/// <summary>
/// A client of the console: reads its messages on its reactor, runs commands elsewhere, and sends what they answer (protocol-flow: Simple Query, Extended
/// Query). Ordinary async code; nothing here is on the way of a tenant's query.
/// </summary>
/// <remarks>Files: this one holds life and simple queries; .Extended.cs prepared statements and portals.</remarks>
internal sealed partial class AdminSession : IDisposable
{
    /// <summary>Largest message taken in bytes: commands are short.</summary>
    private const int MessageMax = 64 * 1024;

    /// <summary>Bytes put together before they are sent, so that a long answer is no long copy on the reactor.</summary>
    private const int FlushAt = 64 * 1024;

    private readonly TransportConnection _link;
    private readonly FrontendContext _context;
    private readonly AdminScope _scope;
    private readonly string _user;
    private readonly MessagePipe _pipe;
    private readonly CancellationTokenSource _end = new();
    private readonly int _processId;
    private readonly byte[] _key = System.Security.Cryptography.RandomNumberGenerator.GetBytes(4);
    private Task<PipeMessage?>? _ahead;      // a message that is read while a command runs
    private CancellationTokenSource? _waiting; // ends the wait of the command that runs, where it waits
    private bool _isCancelled;
    private bool _isInBlock;
    private bool _isOver;

    public AdminSession(TransportConnection link, FrontendContext context, AdminScope scope, string user)
    {
        (_link, _context, _scope, _user) = (link, context, scope, user);
        _pipe = new MessagePipe(link.Pipe, MessageMax);
        _processId = context.Sessions.NewId();
    }

    private FrameWriter Out => _pipe.Out;

    /// <summary>Ends the session: the client is told. Any thread.</summary>
    public void End() => _context.Reactor.Post(static session => ((AdminSession)session!).EndHere(), this);

    /// <summary>Whether the request is for this client. Any thread.</summary>
    public bool IsMeantBy(CancelRequest request)
        => request.ProcessId == _processId && System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(_key, request.Key);

    /// <summary>Cancels the command that runs, if it waits for clients. Any thread.</summary>
    public void CancelCommand() => _context.Reactor.Post(static session => ((AdminSession)session!).CancelHere(), this);

    /// <summary>Serves the client until it leaves; never throws.</summary>
    /// <param name="login">Holds what the login has left to be sent.</param>
    public async Task RunAsync(MessagePipe login)
    {
        try
        {
            Out.WriteBytes(login.Out.WrittenSpan);
            login.Out.Clear();
            Greet();
            while (await NextAsync() is { } message)
            {
                if (!await TakeAsync(message)) return;
                if (Out.WrittenCount > 0 && _mayFlush) await _pipe.FlushAsync(_end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Say(ProxyErrors.ShuttingDown());
        }
        catch (PgErrorException violation)
        {
            Say(violation.Error.AsFatal());
        }
        catch (IOException)
        {
            // The client has gone.
        }
        catch (Exception bug)
        {
            _scope.Logger.ConsoleBroke(bug, "(messages)");
        }
        finally
        {
            _isOver = true;
        }
    }

    public void Dispose() => _end.Dispose();

    private void EndHere()
    {
        if (!_isOver) _end.Cancel();
    }

    private void CancelHere()
    {
        if (_waiting is not { } waiting) return;
        _isCancelled = true;
        waiting.Cancel();
    }

    private async ValueTask<PipeMessage?> NextAsync()
    {
        if (_ahead is not { } ahead) return await _pipe.ReadAsync(_end.Token);
        _ahead = null;
        return await ahead;
    }

    private void Greet()
    {
        Authentication.WriteOk(Out);
        // Drivers read the version as PostgreSQL's own: one that knows SCRAM and the extended protocol.
        ParameterStatus.Write(Out, "server_version", $"15.0 ({AdminConsole.VersionOf(_scope)})");
        ParameterStatus.Write(Out, "server_encoding", "UTF8");
        ParameterStatus.Write(Out, "client_encoding", "UTF8");
        ParameterStatus.Write(Out, "DateStyle", "ISO, MDY");
        ParameterStatus.Write(Out, "IntervalStyle", "postgres");
        ParameterStatus.Write(Out, "TimeZone", "UTC");
        ParameterStatus.Write(Out, "integer_datetimes", "on");
        ParameterStatus.Write(Out, "standard_conforming_strings", "on");
        ParameterStatus.Write(Out, "session_authorization", _user);
        ParameterStatus.Write(Out, "is_superuser", "off");
        BackendKeyData.Write(Out, _processId, _key);
        Ready();
        _link.Send(Out.WrittenSpan);
        Out.Clear();
    }

    /// <returns>False when the session is over.</returns>
    private async ValueTask<bool> TakeAsync(PipeMessage message)
    {
        var type = (FrontendMessage)message.Type;
        _mayFlush = true;
        switch (type)
        {
            case FrontendMessage.Terminate:
                return false;
            case FrontendMessage.Query:
                _isSkipping = false;
                return await QueryAsync(Encoding.UTF8.GetString(Query.Read(message.Body).Sql));
            case FrontendMessage.Sync:
                _isSkipping = false;
                _portals.Clear();
                Ready();
                return true;
            case FrontendMessage.Flush:
                return true;
            case FrontendMessage.Parse or FrontendMessage.Bind or FrontendMessage.Describe or FrontendMessage.Execute or FrontendMessage.Close:
                _mayFlush = false;
                return _isSkipping || await ExtendedAsync(type, message.Body);
            case FrontendMessage.CopyData or FrontendMessage.CopyDone or FrontendMessage.CopyFail:
                return true; // too late for a COPY that never was: PostgreSQL drops them too
            default:
                throw new PgErrorException(new PgError(SqlState.ProtocolViolation, $"unexpected message type {message.Type}", Hint: "The console takes queries."));
        }
    }

    private async Task<bool> QueryAsync(string sql)
    {
        List<List<AdminText.Token>> statements = AdminText.Split(sql);
        if (statements.Count == 0) EmptyQueryResponse.Write(Out);
        try
        {
            foreach (List<AdminText.Token> statement in statements)
            {
                AdminCommand command = AdminParser.Read(statement);
                AdminAnswer answer = await RunAsync(command);
                if (answer.Notice is { } notice) NoticeResponse.Write(Out, notice);
                if (command.Columns.Count > 0) AdminRows.Describe(Out, command.Columns, []);
                foreach (object?[] row in answer.Rows) await RowAsync(command.Columns, row, []);
                CommandComplete.Write(Out, command.Tag);
            }
        }
        catch (PgErrorException refused)
        {
            ErrorResponse.Write(Out, refused.Error);
            if (refused.Error.Severity == "FATAL") return await LeaveAsync();
        }
        Ready();
        return true;
    }

    /// <summary>Checks what the user may do, and does it away from the reactor.</summary>
    private async Task<AdminAnswer> RunAsync(AdminCommand command)
    {
        // As it is now: a reload may have taken the user, or the role, away.
        AdminUser? user = _scope.Options.Value.Admin.Users.FirstOrDefault(user => user.Name == _user);
        if (user is null) throw new PgErrorException(AdminErrors.UserRemoved());
        if (command is SessionCommand { OpensBlock: { } opens }) _isInBlock = opens;
        if (!command.IsChange) return await RunAwayAsync(command);
        string result = "done";
        try
        {
            if (user.Role != AdminRole.Admin) throw new PgErrorException(AdminErrors.AdminOnly(command.Tag));
            if (_isInBlock) throw new PgErrorException(AdminErrors.InTransaction(command.Tag));
            return await RunAwayAsync(command);
        }
        catch (PgErrorException refused)
        {
            result = $"{refused.Error.SqlState} {refused.Error.Message}";
            throw;
        }
        catch (IOException)
        {
            result = "begun; the client did not wait for the end";
            throw;
        }
        finally
        {
            _scope.Logger.ConsoleCommand(_user, _link.RemoteEndPoint.ToString() ?? "", command.Text, result);
        }
    }

    private async Task<AdminAnswer> RunAwayAsync(AdminCommand command)
    {
        try
        {
            return command.WaitsForClients ? await RunWaitingAsync(command) : await Task.Run(() => command.RunAsync(_scope, _end.Token), _end.Token);
        }
        catch (Exception bug) when (bug is not (PgErrorException or OperationCanceledException or IOException))
        {
            _scope.Logger.ConsoleBroke(bug, command.Tag);
            throw new PgErrorException(AdminErrors.Broken());
        }
    }

    /// <summary>Listens to the client while the command waits: it may leave, or cancel.</summary>
    /// <exception cref="IOException">The client has left.</exception>
    private async Task<AdminAnswer> RunWaitingAsync(AdminCommand command)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        (_waiting, _isCancelled) = (waiting, false);
        bool hasLeft = false;
        Task<AdminAnswer> run = Task.Run(() => command.RunAsync(_scope, waiting.Token), CancellationToken.None);
        try
        {
            _ahead ??= _pipe.ReadAsync(_end.Token).AsTask();
            if (await Task.WhenAny(run, _ahead) == _ahead && (_ahead.IsFaulted || (_ahead.IsCompletedSuccessfully && _ahead.Result is null)))
            {
                hasLeft = true;
                await waiting.CancelAsync();
            }
            return await run;
        }
        catch (OperationCanceledException) when (_isCancelled)
        {
            await Task.Run(() => command.TakeBackAsync(_scope));
            throw new PgErrorException(AdminErrors.Cancelled());
        }
        catch (OperationCanceledException) when (hasLeft)
        {
            throw new IOException("the client has left");
        }
        finally
        {
            _waiting = null;
        }
    }

    private ValueTask RowAsync(IReadOnlyList<AdminColumn> columns, object?[] row, ReadOnlySpan<byte> formats)
    {
        AdminRows.Write(Out, columns, row, formats);
        return Out.WrittenCount < FlushAt ? ValueTask.CompletedTask : _pipe.FlushAsync(_end.Token);
    }

    private async Task<bool> LeaveAsync()
    {
        await _pipe.FlushAsync(_end.Token);
        return false;
    }

    private void Ready() => ReadyForQuery.Write(Out, _isInBlock ? TransactionStatus.InTransaction : TransactionStatus.Idle);

    private void Say(PgError error)
    {
        Out.Clear();
        ErrorResponse.Write(Out, error);
        _link.Send(Out.WrittenSpan);
    }
}
