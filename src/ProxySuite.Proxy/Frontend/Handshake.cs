using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// From the first byte of a client to its session: start-up packet, tenant, authentication, move to the tenant's reactor, first ReadyForQuery
/// (protocol-flow: Start-up). Ordinary async code on the reactor's thread; it ends by installing the session as the connection's handler.
/// </summary>
/// <param name="contexts">The reactors' contexts, by number.</param>
/// <param name="authenticator">Proves who the client is.</param>
/// <param name="tls">Encryption on offer.</param>
/// <param name="options">Options in force.</param>
internal sealed class Handshake(IReadOnlyList<FrontendContext> contexts, Authenticator authenticator, ClientTls tls, CurrentOptions options)
{
    private static readonly TimeSpan FlushDeadline = TimeSpan.FromSeconds(5);

    private readonly TenantHomes _homes = new(contexts.Count, options);
    private volatile bool _isDraining;

    /// <summary>From now on clients are refused with 57P01.</summary>
    public void StartDraining() => _isDraining = true;

    /// <summary>The admin console; null for none.</summary>
    public IAdminConsole? Console { get; init; }

    /// <summary>Serves an accepted connection; never throws.</summary>
    public async Task RunAsync(TransportConnection link, FrontendContext context)
    {
        ProxyOptions current = options.Value;
        var seat = new ClientSeat(context.Stats, context.Addresses, link.RemoteEndPoint);
        if (seat.IsFarBeyond(current.Limits))
        {
            End(link, context, seat, RefusalReason.TooManyClients);
            return;
        }
        LoginDeadline deadline = context.Deadlines.Start(current.Auth.LoginTimeout);
        string tenant = "", user = "";
        var opening = new ClientOpening(link, tls, context.Startups);
        try
        {
            await opening.ReadAsync(current.Limits.MaxStartupBytes, deadline.Token).ConfigureAwait(false); // as MessagePipe says
            link = opening.Link;
            if (opening.Cancel is { } cancel)
            {
                await CancelAsync(cancel, context);
                link.Close(FlushDeadline);
                seat.Return();
                return;
            }
            if (_isDraining) throw new PgErrorException(ProxyErrors.ShuttingDown());

            ClientStartup startup = opening.Startup!;
            ClientChannel channel = ClientChannel.Of(link);
            TenantNaming naming = TenantNaming.Of(startup.Message, startup.TenantOption, channel.TenantUnder(current.Tls.TenantDomain));
            (tenant, user) = (naming.Slug, naming.User);
            IAdminConsole? console = Console?.Serves(naming.Slug) == true ? Console : null;
            // Places are kept back for operators: somebody has to look when there are too many clients.
            if (console?.HasReserve != true) seat.Check(current.Limits);
            _ = startup.Settings; // refused before anything is asked of the client
            var pipe = new MessagePipe(link.Pipe, current.Limits.MaxStartupBytes) { ChannelBinding = (link as TlsConnection)?.ChannelBinding ?? [] };
            if (startup.Message.NeedsNegotiation) NegotiateProtocolVersion.Write(pipe.Out, startup.Message.NegotiatedVersion, startup.Message.UnsupportedOptions);
            if (console is not null)
            {
                await authenticator.AuthenticateAdminAsync(pipe, naming, channel, deadline.Token);
                context.Deadlines.Stop(deadline);
                await console.RunAsync(link, context, pipe, naming.User);
                link.Close(FlushDeadline);
                seat.Return();
                return;
            }
            AuthenticatedUser authenticated = await authenticator.AuthenticateAsync(pipe, naming, channel, deadline.Token).ConfigureAwait(false);

            opening.Learn();
            ClientLogin login = startup.LoginOf(naming.User, authenticated.User.Role);
            FrontendContext home = contexts[seat.Settle(_homes, authenticated.Entry.Tenant, context.Reactor.Index, login.IsReplication)];
            context.Deadlines.Stop(deadline);
            if (ReferenceEquals(home, context)) await StartSessionAsync(link, home, seat, authenticated, login, startup, pipe);
            else Move(link, home, seat, authenticated, login, startup, pipe);
        }
        catch (OperationCanceledException)
        {
            Refuse(opening.Link, context, seat, ProxyErrors.LoginTimedOut(current.Auth.LoginTimeout), RefusalReason.Timeout, tenant, user);
        }
        catch (PgErrorException refused)
        {
            Refuse(opening.Link, context, seat, refused.Error.AsFatal(), ReasonOf(refused), tenant, user, (refused as LoginFailedException)?.Reason);
        }
        catch (IOException)
        {
            End(opening.Link, context, seat, RefusalReason.Protocol);
        }
        catch (Exception bug)
        {
            context.Logger.LoginBroke(bug, link.RemoteEndPoint.ToString() ?? "");
            End(opening.Link, context, seat, RefusalReason.Protocol);
        }
        finally
        {
            context.Deadlines.Return(deadline);
        }
    }

    // A CancelRequest gets no reply, not even an error (protocol-flow, "Canceling Requests in Progress"): whoever guesses keys learns nothing from us.
    private async Task CancelAsync(CancelRequest request, FrontendContext context)
    {
        if (Console?.Cancel(request) == true)
        {
            context.Stats.Count(CancelResult.Sent);
            return;
        }
        int first = SessionTable.ReactorOf(request.ProcessId);
        CancelResult result = CancelResult.Unknown;
        // The id says where, unless it is a server's own.
        for (int i = 0; i < contexts.Count && result == CancelResult.Unknown; i++)
        {
            FrontendContext home = contexts[(first + i) % contexts.Count];
            var done = new TaskCompletionSource<CancelResult>();
            home.Reactor.Post(static state => _ = CancelAtHomeAsync(((FrontendContext, CancelRequest, TaskCompletionSource<CancelResult>))state!), (home, request, done));
            result = await done.Task;
        }
        context.Stats.Count(result);
    }

    private static async Task CancelAtHomeAsync((FrontendContext Home, CancelRequest Request, TaskCompletionSource<CancelResult> Done) work)
    {
        ClientSession? session = work.Home.Sessions.Find(work.Request.ProcessId, work.Request.Key);
        ReplicationSession? replication = session is null ? work.Home.Replications.Find(one => one.IsMeantBy(work.Request)) : null;
        CancelResult result = CancelResult.Failed;
        try
        {
            result = session is not null ? await session.CancelAsync() : replication is not null ? await replication.CancelAsync() : CancelResult.Unknown;
        }
        finally
        {
            // Whatever happened: the handshake that brought the request waits for this.
            work.Done.SetResult(result);
        }
    }

    // Apart, so that only who moves pays for the closure.
    private static void Move(TransportConnection link, FrontendContext home, ClientSeat seat, AuthenticatedUser authenticated, ClientLogin login, ClientStartup startup, MessagePipe pipe)
        => link.MoveTo(home.Reactor, moved => _ = StartMovedAsync(moved, home, seat, authenticated, login, startup, pipe));

    private static async Task StartMovedAsync(
        TransportConnection link, FrontendContext home, ClientSeat seat, AuthenticatedUser authenticated, ClientLogin login, ClientStartup startup, MessagePipe pipe)
    {
        try
        {
            await StartSessionAsync(link, home, seat, authenticated, login, startup, pipe);
        }
        catch (PgErrorException refused)
        {
            Refuse(link, home, seat, refused.Error.AsFatal(), ReasonOf(refused), authenticated.Entry.Tenant.Slug.Value, login.User);
        }
        catch (IOException)
        {
            End(link, home, seat, RefusalReason.Protocol);
        }
        catch (Exception bug)
        {
            home.Logger.LoginBroke(bug, link.RemoteEndPoint.ToString() ?? "");
            End(link, home, seat, RefusalReason.Protocol);
        }
    }

    private static async Task StartSessionAsync(
        TransportConnection link, FrontendContext home, ClientSeat seat, AuthenticatedUser authenticated, ClientLogin login, ClientStartup startup, MessagePipe pipe)
    {
        TenantPool pool = home.Router.PoolOf(authenticated.Entry);
        // Only now that it has proved who it is: strangers learn nothing of the tenant's limits, and cannot use them up.
        TenantLimiter limiter = home.Limiters.Of(((TenantEntry)pool.Source!).Tenant);
        seat.Enter(limiter);
        if (login.IsReplication)
        {
            await ReplicationSession.StartAsync(link, home, pool, login, seat, startup.Message, pipe);
            return;
        }
        ServerConnection? own = null;
        ParameterSnapshot told;
        if (pool.Config.Mode == PoolMode.Session)
        {
            (pool, own) = await LoginWaiter.ServerAsync(pool, (int)login.Role);
            told = own.Parameters;
            if (link.IsClosed || pool.Refusal is not null) pool.Checkin(own);
        }
        else
        {
            told = await LoginWaiter.ParametersAsync(pool, (int)login.Role);
            // Moved meanwhile.
            while (pool.Successor is { } successor) pool = successor;
        }
        if (link.IsClosed) throw new IOException("the client left while it waited for a server");
        if (pool.Refusal is { } refusal) throw new PgErrorException(refusal);
        told = startup.ToldOf(told, login.User, pool.Parameters);
        var session = new ClientSession(link, home, pool, login, told, seat, limiter, own);
        // Of the reactor's own, so that a login's own buffer stays as small as the messages before these.
        FrameWriter all = home.Greeting;
        all.Clear();
        all.WriteBytes(pipe.Out.WrittenSpan);
        Authentication.WriteOk(all);
        all.WriteBytes(told.Messages);
        BackendKeyData.Write(all, session.ProcessId, session.CancelSecret);
        ReadyForQuery.Write(all, TransactionStatus.Idle);
        if (home.Options.Value.Logging.Connections)
        {
            home.Logger.ClientConnected(pool.Config.Tenant, login.User, link.RemoteEndPoint.ToString() ?? "", session.ProcessId);
        }
        link.SetHandler(session);
        link.Send(all.WrittenSpan);
        all.Clear();
        if (own is not null) session.TakeOver(own);
    }

    private static void Refuse(TransportConnection link, FrontendContext context, ClientSeat seat, PgError error, RefusalReason reason, string tenant, string user, string? forLog = null)
    {
        if (error == ProxyErrors.RegistryUnavailable()) context.CountRegistryError(tenant);
        if (tenant.Length > 0) context.Logger.LoginRefused(tenant, user, link.RemoteEndPoint.ToString() ?? "", error.SqlState, forLog ?? error.Message);
        var answer = new FrameWriter();
        ErrorResponse.Write(answer, error);
        link.Send(answer.WrittenSpan);
        End(link, context, seat, reason);
    }

    private static void End(TransportConnection link, FrontendContext context, ClientSeat seat, RefusalReason reason)
    {
        context.Stats.Count(reason);
        seat.Return();
        link.Close(FlushDeadline);
    }

    private static RefusalReason ReasonOf(PgErrorException refused) => refused is LoginFailedException login ? login.Counted : refused is ClientRefusedException client ? client.Reason : refused.Error.SqlState switch
    {
        SqlState.InvalidPassword => RefusalReason.Authentication,
        SqlState.InvalidAuthorizationSpecification => RefusalReason.NotAllowed,
        SqlState.TooManyConnections => RefusalReason.TooManyClients,
        SqlState.CannotConnectNow => RefusalReason.Unavailable,
        SqlState.AdminShutdown => RefusalReason.ShuttingDown,
        _ => RefusalReason.Protocol,
    };
}
