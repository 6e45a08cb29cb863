using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantShowVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();

    public TenantShowVerb() : base("show", "One tenant with its users") => Add(_slug);

    public override IReadOnlyList<string> Examples => ["tenant show acme", "tenant show acme --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        TenantEntry entry = await control.Store.GetTenantAsync(context.Get(_slug), cancellationToken);
        TenantView tenant = TenantView.Of(entry) with { Overrides = OverridesView.Of(await control.Store.GetOverridesAsync(entry.Tenant.Id, cancellationToken)) };
        context.Output.Answer(tenant, output =>
        {
            output.Facts(
                ("slug", tenant.Slug), ("id", tenant.Id), ("state", tenant.SuspendReason is null ? tenant.State : $"{tenant.State} ({tenant.SuspendReason})"), ("plan", tenant.Plan),
                ("shard", tenant.Shard), ("isolation", tenant.Isolation), ("identity", tenant.Identity), ("database", tenant.Database), ("schema", tenant.Schema),
                ("reached from", tenant.AllowedAddresses.Count == 0 ? "every address" : string.Join(", ", tenant.AllowedAddresses)),
                ("limits", PlanView.Of(entry.Tenant.Plan).Sentence()), ("overrides", tenant.Overrides?.Sentence() ?? "none"),
                ("placement", $"epoch {entry.Tenant.Placement.Epoch}, {EnumText.Of(entry.Tenant.Placement.State)}"), ("created", Time.Text(tenant.CreatedAt)));
            if (tenant.SuspendedUntil is { } until) output.Facts(("resumed on", Time.Text(until)));
            if (tenant.DeleteAfter is { } end) output.Facts(("removed after", Time.Text(end)));
            output.Line();
            output.Table(["USER", "ROLE", "VALID UNTIL"], tenant.Users.Select(user => new[] { user.Name, user.Role, user.ValidUntil is { } end ? Time.Text(end) : "-" }));
        });
    }
}
