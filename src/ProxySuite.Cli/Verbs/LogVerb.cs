using System.CommandLine;
using System.Text.Json;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Cli.Verbs;

internal sealed class LogVerb : Verb
{
    private readonly Option<string?> _tenant = Typed.TextOption("--tenant", "Only what was done to this tenant", "S");
    private readonly Option<string?> _shard = Typed.TextOption("--shard", "Only what was done to this shard", "S");
    private readonly Option<TimeSpan?> _since = Typed.DurationOption("--since", "Only what is not older, such as 1h");
    private readonly Option<int?> _limit = Typed.CountOption("--limit", "Most entries, 1 to 10000; default 100");

    public LogVerb() : base("log", "What was done to the platform, by whom, newest first; what failed, too")
    {
        Add(_tenant);
        Add(_shard);
        Add(_since);
        Add(_limit);
        Validators.Add(result =>
        {
            if (result.GetValue(_tenant) is not null && result.GetValue(_shard) is not null) result.AddError("--tenant and --shard exclude each other");
            if (result.GetValue(_limit) is < 1 or > 10_000) result.AddError("--limit is 1 to 10000");
        });
    }

    public override IReadOnlyList<string> Examples => ["log --since 1h", "log --tenant acme --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        string? subject = context.Get(_tenant) is { } tenant ? $"tenant {tenant}" : context.Get(_shard) is { } shard ? $"shard {shard}" : null;
        IReadOnlyList<AuditEntry> entries = await control.Store.ListAuditAsync(subject, context.Get(_limit) ?? 100, context.Get(_since), cancellationToken);
        context.Output.Answer(
            entries.Select(entry => new { entry.At, entry.Actor, entry.Action, entry.Subject, Outcome = entry.Done ? "done" : "failed", Details = JsonSerializer.Deserialize<JsonElement>(entry.DetailsJson) }),
            output => output.Table(["AT", "WHO", "ACTION", "SUBJECT", "OUTCOME", "DETAILS"],
                entries.Select(entry => new[] { Time.Text(entry.At), entry.Actor, entry.Action, entry.Subject, entry.Done ? "done" : "failed", Short(entry.DetailsJson) })));
    }

    // The whole of it is in --json.
    private static string Short(string details) => details.Length <= 120 ? details : details[..119] + "…";
}

internal sealed class ProxyListVerb() : Verb("list", "Proxies that said within the last day that they live")
{
    public override IReadOnlyList<string> Examples => ["proxy list", "proxy list --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        IReadOnlyList<ProxyRecord> proxies = await control.Store.ListProxiesAsync(cancellationToken);
        context.Output.Answer(
            proxies.Select(proxy => new
            {
                proxy.Id, proxy.Name, proxy.StartedAt, proxy.HeartbeatAt, State = proxy.IsAlive ? "alive" : "silent", Details = JsonSerializer.Deserialize<JsonElement>(proxy.DetailsJson),
            }),
            output => output.Table(["NAME", "STATE", "HEARTBEAT", "STARTED", "VERSION", "CLIENTS"], proxies.Select(proxy => new[]
            {
                proxy.Name, proxy.IsAlive ? "alive" : "silent", $"{(int)proxy.Silence.TotalSeconds} s ago", Time.Text(proxy.StartedAt), Detail(proxy, "version"), Detail(proxy, "clients"),
            })));
    }

    private static string Detail(ProxyRecord proxy, string name)
    {
        using var details = JsonDocument.Parse(proxy.DetailsJson);
        return details.RootElement.TryGetProperty(name, out JsonElement value) ? value.ToString() : "-";
    }
}

internal sealed class JobListVerb : Verb
{
    private readonly Option<bool> _all = new("--all") { Description = "Those that have ended, too" };

    public JobListVerb() : base("list", "Work that is scheduled, running or was cut off, newest first") => Add(_all);

    public override IReadOnlyList<string> Examples => ["job list", "job list --all --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        IReadOnlyList<Job> jobs = await control.Store.ListJobsAsync(openOnly: !context.Get(_all), limit: 1000, cancellationToken);
        context.Output.Answer(
            jobs.Select(job => new { job.Id, job.Kind, job.Subject, State = EnumText.Of(job.State), job.Step, job.Attempts, job.LastError, job.Actor, job.RunAfter, job.CreatedAt, job.FinishedAt }),
            output => output.Table(["KIND", "SUBJECT", "STATE", "STEP", "ATTEMPTS", "DUE", "ERROR"], jobs.Select(job => new[]
            {
                job.Kind, job.Subject, EnumText.Of(job.State), job.Step.Length > 0 ? job.Step : "-", $"{job.Attempts}", Time.Text(job.RunAfter), job.LastError ?? "-",
            })));
    }
}

internal sealed class WorkVerb : Verb
{
    private static readonly TimeSpan IntervalDefault = TimeSpan.FromSeconds(5);

    private readonly Option<bool> _once = new("--once") { Description = "Do what is due now, and end; for cron" };
    private readonly Option<TimeSpan?> _interval = Typed.DurationOption("--interval", "How often to look, default 5s");

    public WorkVerb() : base("work", "Carry through what is due: suspensions that end, deleted tenants whose retention is over, work that was cut off. Runs until it is stopped") => Take(_once, _interval);

    public override IReadOnlyList<string> Examples => ["work", "work --once"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        context.MasterKey(); // resuming needs it: better said now than on the day
        if (context.Get(_once))
        {
            IReadOnlyList<(Job Job, string? Error)> done = await context.Output.ProgressAsync("working", control, () => control.RunDueAsync(cancellationToken));
            context.Output.Answer(done.Select(one => new { one.Job.Kind, one.Job.Subject, one.Error }), output => Print(output, done));
            if (done.Any(one => one.Error is not null)) throw new ChecksFailedException("not everything could be done");
            return;
        }
        while (true)
        {
            try
            {
                Print(context.Output, await control.RunDueAsync(cancellationToken));
                await Task.Delay(context.Get(_interval) ?? IntervalDefault, cancellationToken);
            }
            catch (RegistryUnavailableException away)
            {
                context.Output.Note($"{away.Message}; trying again");
                await Task.Delay(context.Get(_interval) ?? IntervalDefault, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private static void Print(Output output, IReadOnlyList<(Job Job, string? Error)> done)
    {
        foreach ((Job job, string? error) in done) output.Line($"{job.Kind} of {job.Subject}: {error ?? "done"}");
    }
}
