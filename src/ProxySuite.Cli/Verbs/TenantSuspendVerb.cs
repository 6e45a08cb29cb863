using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantSuspendVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Option<string?> _reason = Typed.TextOption("--reason", "Why, for operators; the tenant does not see it", "TEXT");

    public TenantSuspendVerb() : base("suspend", "Serve a tenant no more and end its sessions; everything it has is kept")
    {
        Add(_slug);
        Add(_reason);
    }

    public override IReadOnlyList<string> Examples => ["tenant suspend acme --reason 'invoice 4711 unpaid'"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var lifecycle = new TenantLifecycle(await context.OpenAsync(cancellationToken));
        TenantEntry entry = await lifecycle.SuspendAsync(context.Get(_slug), context.Get(_reason), cancellationToken);
        context.Output.Answer(TenantView.Of(entry), output => output.Line($"tenant {entry.Tenant.Slug} is suspended"));
    }
}
