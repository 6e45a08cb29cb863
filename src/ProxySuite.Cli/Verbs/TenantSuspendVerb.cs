using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantSuspendVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Option<string?> _reason = Typed.TextOption("--reason", "Why, for operators; the tenant does not see it", "TEXT");

    private readonly Option<DateTimeOffset?> _until = Typed.TimeOption("--until", "When to resume it: a time such as 2027-01-31 or 2027-01-31T08:00Z, or a duration such as 48h");
    private readonly Option<bool> _now = new("--now") { Description = "End open transactions, too; else each session ends with its transaction" };

    public TenantSuspendVerb() : base("suspend", "Serve a tenant no more and end its sessions; everything it has is kept") => Take(_slug, _reason, _until, _now);

    public override IReadOnlyList<string> Examples => ["tenant suspend acme --reason 'invoice 4711 unpaid'", "tenant suspend acme --until 48h --now"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var lifecycle = new TenantLifecycle(await context.OpenAsync(cancellationToken));
        TenantEntry entry = await lifecycle.SuspendAsync(context.Get(_slug), context.Get(_reason), cancellationToken, context.Get(_until), context.Get(_now));
        string until = entry.Tenant.SuspendedUntil is { } end ? $" until {Time.Text(end)}; proxyctl work resumes it then" : "";
        context.Output.Answer(TenantView.Of(entry), output => output.Line($"tenant {entry.Tenant.Slug} is suspended{until}"));
    }
}
