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
        TenantView tenant = TenantView.Of(await control.Store.GetTenantAsync(context.Get(_slug), cancellationToken));
        context.Output.Answer(tenant, output =>
        {
            output.Facts(
                ("slug", tenant.Slug), ("id", tenant.Id), ("state", tenant.SuspendReason is null ? tenant.State : $"{tenant.State} ({tenant.SuspendReason})"), ("plan", tenant.Plan),
                ("shard", tenant.Shard), ("isolation", tenant.Isolation), ("identity", tenant.Identity), ("database", tenant.Database), ("schema", tenant.Schema),
                ("reached from", tenant.AllowedAddresses.Count == 0 ? "every address" : string.Join(", ", tenant.AllowedAddresses)), ("created", Time.Text(tenant.CreatedAt)));
            output.Line();
            output.Table(["USER", "ROLE", "VALID UNTIL"], tenant.Users.Select(user => new[] { user.Name, user.Role, user.ValidUntil is { } end ? Time.Text(end) : "-" }));
        });
    }
}
