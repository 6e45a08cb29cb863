using System.Collections.Concurrent;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Admin;

/// <summary>What PAUSE, RESUME, RECONNECT and KILL have in common: a tenant, or all.</summary>
internal abstract class TenantChangeCommand(string tag, string? slug) : ChangeCommand(tag)
{
    public override string Text => slug is null ? Tag : $"{Tag} {slug}";

    /// <summary>The tenant; null for all.</summary>
    protected string? Slug => slug;

    /// <summary>A typing error must not look like success. While the registry is away, any name may be right.</summary>
    protected async Task RequireTenantAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        if (slug is null) return;
        if (!TenantSlug.TryParse(slug, out TenantSlug parsed)) throw new PgErrorException(AdminErrors.NoSuchTenant(slug));
        TenantLookup found = await scope.Tenants.GetAsync(parsed, cancellationToken).ConfigureAwait(false);
        if (found.Entry is null && found.Outcome != LookupOutcome.RegistryUnavailable) throw new PgErrorException(AdminErrors.NoSuchTenant(slug));
    }

    /// <summary>The pools that it is about, on one reactor; also those that a tenant has left behind and that still have transactions open.</summary>
    protected List<TenantPool> PoolsOf(FrontendContext context)
        => [.. context.Router.Pools.Values.Concat(context.Router.Retiring).Where(pool => slug is null || pool.Config.Tenant == slug)];

    /// <summary>Has those pools serve or wait as is said now.</summary>
    protected void Refresh(FrontendContext context)
    {
        foreach (TenantPool pool in PoolsOf(context)) pool.IsPaused = context.Router.Paused.Contains(pool.Config.Tenant);
    }
}

/// <summary>
/// PAUSE [tenant]: no new transaction begins; answers when those that are open have ended, or says after Shutdown:DrainTimeout how many have not. Cancelled meanwhile it is taken
/// back; a client that leaves meanwhile leaves the pause behind, as with PgBouncer.
/// </summary>
internal sealed class Pause(string? slug) : TenantChangeCommand("PAUSE", slug)
{
    // Reactors on which nobody had paused the tenant before.
    private readonly ConcurrentBag<FrontendContext> _begun = [];

    public override bool WaitsForClients => true;

    public override Task TakeBackAsync(AdminScope scope) => scope.TellAsync(context =>
    {
        if (!_begun.Contains(context)) return;
        context.Router.Paused.TakeBack(Slug);
        Refresh(context);
    }, CancellationToken.None);

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        await RequireTenantAsync(scope, cancellationToken).ConfigureAwait(false);
        _begun.Clear();
        // Whole or not at all: what can be given up is the wait.
        await scope.TellAsync(context =>
        {
            if (context.Router.Paused.Add(Slug)) _begun.Add(context);
            foreach (TenantPool pool in PoolsOf(context)) pool.IsPaused = true;
        }, CancellationToken.None).ConfigureAwait(false);
        long deadline = Environment.TickCount64 + (long)scope.Options.Value.Shutdown.DrainTimeout.TotalMilliseconds;
        while (true)
        {
            (int Held, bool IsPaused)[] seen = await scope.AskAsync(
                context => (PoolsOf(context).Sum(static pool => pool.Lent), Slug is null ? context.Router.Paused.All : context.Router.Paused.Contains(Slug)), cancellationToken).ConfigureAwait(false);
            // Another operator's RESUME, or the cancel of another PAUSE: a moment without transactions is then no pause, and whoever asked for one is about to rely on it.
            if (!seen.All(static reactor => reactor.IsPaused)) throw new PgErrorException(AdminErrors.PauseTakenBack());
            int held = seen.Sum(static reactor => reactor.Held);
            if (held == 0) return AdminAnswer.Done;
            if (Environment.TickCount64 > deadline) throw new PgErrorException(AdminErrors.StillBusy(held));
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>RESUME [tenant]: takes PAUSE and KILL back.</summary>
internal sealed class Resume(string? slug) : TenantChangeCommand("RESUME", slug)
{
    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        await RequireTenantAsync(scope, cancellationToken).ConfigureAwait(false);
        await scope.TellAsync(context =>
        {
            context.Router.Paused.Remove(Slug);
            Refresh(context);
        }, cancellationToken).ConfigureAwait(false);
        return AdminAnswer.Done;
    }
}

/// <summary>RECONNECT [tenant]: server connections are opened anew, idle ones at once, lent ones when they come back. Clients notice nothing.</summary>
internal sealed class Reconnect(string? slug) : TenantChangeCommand("RECONNECT", slug)
{
    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        await RequireTenantAsync(scope, cancellationToken).ConfigureAwait(false);
        await scope.TellAsync(context =>
        {
            foreach (TenantPool pool in PoolsOf(context)) pool.Recycle();
        }, cancellationToken).ConfigureAwait(false);
        return AdminAnswer.Done;
    }
}

/// <summary>KILL tenant: its clients are ended with 57P01 and what they run is cancelled; new ones wait until RESUME, as with PgBouncer.</summary>
internal sealed class Kill(string slug) : TenantChangeCommand("KILL", slug)
{
    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        await RequireTenantAsync(scope, cancellationToken).ConfigureAwait(false);
        await scope.TellAsync(context =>
        {
            context.Router.Paused.Add(Slug);
            foreach (TenantPool pool in PoolsOf(context))
            {
                pool.IsPaused = true;
                pool.FailWaiters(ProxyErrors.KilledByOperator());
                if (pool is not SealedTenantPool) pool.Recycle();
            }
            foreach (ClientSession session in context.Sessions.All.Where(session => session.Pool.Config.Tenant == Slug).ToList()) session.Kill(ProxyErrors.KilledByOperator());
        }, cancellationToken).ConfigureAwait(false);
        return AdminAnswer.Done;
    }
}

/// <summary>KILL_CLIENT id: one client is ended with 57P01, and what it runs is cancelled.</summary>
internal sealed class KillClient(int id) : ChangeCommand("KILL_CLIENT")
{
    public override string Text => $"{Tag} {id}";

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        bool[] killed = await scope.AskAsync(context =>
        {
            ClientSession? session = context.Sessions.All.FirstOrDefault(session => session.ProcessId == id);
            session?.Kill(ProxyErrors.KilledByOperator());
            return session is not null;
        }, cancellationToken).ConfigureAwait(false);
        return killed.Contains(true) ? AdminAnswer.Done : throw new PgErrorException(AdminErrors.NoSuchClient(id));
    }
}

/// <summary>CANCEL id: cancels what a client runs or waits for, as its own cancel request would.</summary>
internal sealed class CancelClient(int id) : ChangeCommand("CANCEL")
{
    public override string Text => $"{Tag} {id}";

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        // The cancel goes on on the reactor, where its connection is; what comes of it is awaited here.
        Task<Telemetry.CancelResult>?[] cancels = await scope.AskAsync(
            context => context.Sessions.All.FirstOrDefault(session => session.ProcessId == id)?.CancelAsync(), cancellationToken).ConfigureAwait(false);
        if (cancels.FirstOrDefault(static cancel => cancel is not null) is not { } cancel) throw new PgErrorException(AdminErrors.NoSuchClient(id));
        return await cancel.WaitAsync(cancellationToken).ConfigureAwait(false) switch
        {
            Telemetry.CancelResult.Sent => AdminAnswer.Done,
            Telemetry.CancelResult.Idle => throw new PgErrorException(AdminErrors.NothingToCancel(id)),
            _ => throw new PgErrorException(AdminErrors.CancelFailed()),
        };
    }
}

/// <summary>RELOAD: reads the configuration again, as SIGHUP does; what is wrong with it is the answer.</summary>
internal sealed class Reload() : ChangeCommand("RELOAD")
{
    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        if (scope.Host is not { } host) throw new PgErrorException(AdminErrors.NotSupported(Tag));
        IReadOnlyList<string> problems = host.Reload();
        return problems.Count == 0 ? Task.FromResult(AdminAnswer.Done) : throw new PgErrorException(AdminErrors.ReloadRefused(problems));
    }
}

/// <summary>SHUTDOWN: drains and stops, as SIGTERM does.</summary>
internal sealed class Shutdown() : ChangeCommand("SHUTDOWN")
{
    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        if (scope.Host is not { } host) throw new PgErrorException(AdminErrors.NotSupported(Tag));
        host.Shutdown();
        return Task.FromResult(AdminAnswer.Done);
    }
}
