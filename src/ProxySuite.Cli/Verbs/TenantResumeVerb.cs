using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantResumeVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();

    public TenantResumeVerb() : base("resume", "Serve a suspended tenant again") => Add(_slug);

    public override IReadOnlyList<string> Examples => ["tenant resume acme"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var lifecycle = new TenantLifecycle(await context.OpenAsync(cancellationToken));
        TenantEntry entry = await lifecycle.ResumeAsync(context.Get(_slug), context.MasterKey(), cancellationToken);
        context.Output.Answer(TenantView.Of(entry), output => output.Line($"tenant {entry.Tenant.Slug} is active"));
    }
}
