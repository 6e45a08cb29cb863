using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantDeleteVerb : Verb
{
    private static readonly TimeSpan RetentionDefault = TimeSpan.FromDays(7);

    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Option<TimeSpan?> _retention = Typed.DurationOption("--retention", "How long everything is kept, such as 48h; default 7d");

    public TenantDeleteVerb() : base("delete", "Give a tenant up: it is served no more, kept for its retention, and then removed for ever") => Take(_slug, _retention);

    public override IReadOnlyList<string> Examples => ["tenant delete acme", "tenant delete acme --retention 30d --yes"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        TenantSlug slug = context.Get(_slug);
        context.Confirm($"tenant {slug} is served no more and its sessions end at once");
        ControlPlane control = await context.OpenAsync(cancellationToken);
        TenantEntry entry = await context.Output.ProgressAsync($"deleting {slug}", control,
            () => new TenantLifecycle(control).DeleteAsync(slug, context.Get(_retention) ?? RetentionDefault, cancellationToken));
        context.Output.Answer(TenantView.Of(entry), output => output.Line(
            $"tenant {slug} is deleted; until {Time.Text(entry.Tenant.DeleteAfter!.Value)} it can be had back with: proxyctl tenant undelete {slug}"));
    }
}

internal sealed class TenantUndeleteVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();

    public TenantUndeleteVerb() : base("undelete", "Take a deletion back while its retention lasts") => Add(_slug);

    public override IReadOnlyList<string> Examples => ["tenant undelete acme"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        TenantEntry entry = await new TenantLifecycle(await context.OpenAsync(cancellationToken)).UndeleteAsync(context.Get(_slug), context.MasterKey(), cancellationToken);
        context.Output.Answer(TenantView.Of(entry), output => output.Line($"tenant {entry.Tenant.Slug} is {EnumText.Of(entry.Tenant.State)} again"));
    }
}

internal sealed class TenantPurgeVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();

    public TenantPurgeVerb() : base("purge", "Remove a deleted tenant with all its data now; there is no way back") => Add(_slug);

    public override IReadOnlyList<string> Examples => ["tenant purge acme --yes"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        TenantSlug slug = context.Get(_slug);
        context.Confirm($"tenant {slug} is removed with all its data, for ever");
        ControlPlane control = await context.OpenAsync(cancellationToken);
        await context.Output.ProgressAsync($"purging {slug}", control, () => new TenantLifecycle(control).PurgeAsync(slug, cancellationToken));
        context.Output.Answer(new { Slug = slug.Value }, output => output.Line($"tenant {slug} is gone"));
    }
}
