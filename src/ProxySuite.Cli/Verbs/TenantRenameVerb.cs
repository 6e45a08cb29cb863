using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantRenameVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<TenantSlug> _to = Typed.Slug("NEW-SLUG");

    public TenantRenameVerb() : base("rename", "Give a tenant another slug: its sessions end, its clients must use the new one, and nobody else gets the old one for 30 days") => Take(_slug, _to);

    public override IReadOnlyList<string> Examples => ["tenant rename acme acme-inc"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        TenantSlug slug = context.Get(_slug);
        context.Confirm($"sessions of tenant {slug} end, and its clients must be told the new name");
        TenantEntry entry = await new TenantLifecycle(await context.OpenAsync(cancellationToken)).RenameAsync(slug, context.Get(_to), cancellationToken);
        context.Output.Answer(TenantView.Of(entry), output => output.Line($"tenant {slug} is now called {entry.Tenant.Slug}"));
    }
}
