using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Admin;

/// <summary>The admin console: databases <c>pgbouncer</c> and <c>proxysuite</c>, for the users of Admin:Users.</summary>
/// <param name="scope">What commands work with.</param>
internal sealed class AdminConsole(AdminScope scope) : IAdminConsole
{
    /// <summary>What the console is called in its own tables, as PgBouncer's tools expect.</summary>
    public const string Name = "pgbouncer";

    private const string OtherName = "proxysuite";

    /// <summary>Clients beyond Limits:MaxClients that are let in to the console.</summary>
    private const int ReserveMax = 16;

    private readonly Lock _gate = new();
    private readonly HashSet<AdminSession> _sessions = [];
    private bool _isOver;

    /// <summary>Clients logged in to the console.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _sessions.Count;
        }
    }

    /// <inheritdoc/>
    public bool HasReserve => Count < ReserveMax;

    /// <inheritdoc/>
    public bool Serves(string database) => database is Name or OtherName;

    /// <inheritdoc/>
    public bool Cancel(CancelRequest request)
    {
        AdminSession? meant;
        lock (_gate) meant = _sessions.FirstOrDefault(session => session.IsMeantBy(request));
        meant?.CancelCommand();
        return meant is not null;
    }

    /// <inheritdoc/>
    public async Task RunAsync(TransportConnection link, FrontendContext context, MessagePipe login, string user)
    {
        using var session = new AdminSession(link, context, scope, user);
        lock (_gate)
        {
            if (_isOver) session.End();
            _sessions.Add(session);
        }
        if (scope.Options.Value.Logging.Connections) scope.Logger.ConsoleConnected(user, link.RemoteEndPoint.ToString() ?? "");
        try
        {
            await session.RunAsync(login);
        }
        finally
        {
            lock (_gate) _sessions.Remove(session);
        }
    }

    /// <summary>Ends all its clients, and those who come later. Any thread.</summary>
    public void EndAll()
    {
        AdminSession[] sessions;
        lock (_gate)
        {
            _isOver = true;
            sessions = [.. _sessions];
        }
        foreach (AdminSession session in sessions) session.End();
    }

    /// <summary>Samples tenants' counters for the rates that the console shows, until told to stop; costs nothing while nobody can log in to it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TenantRates.Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                if (scope.Options.Value.Admin.Users.Count > 0) scope.Rates.Sample();
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }

    /// <summary>Name and version of the product.</summary>
    public static string VersionOf(AdminScope scope) => $"ProxySuite {scope.Host?.Version ?? "unknown"}";

    /// <summary>The port that clients connect to; 0 where there is only a Unix socket.</summary>
    public static int PortOf(AdminScope scope) => scope.LocalEndPoint?.Port ?? 0;
}
