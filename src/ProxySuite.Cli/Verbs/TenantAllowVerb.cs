using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Tenants;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantAllowVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<AddressList> _networks = Typed.Addresses();
    private readonly Option<bool> _any = new("--any") { Description = "From every address, as at the beginning" };

    public TenantAllowVerb() : base("allow", "Say from which networks a tenant's users may log in, or show it; open sessions stay open")
    {
        Add(_slug);
        Add(_networks);
        Add(_any);
        Validators.Add(result =>
        {
            if (result.GetValue(_any) && result.GetResult(_networks) is { Tokens.Count: > 0 }) result.AddError("--any and networks exclude each other");
        });
    }

    public override IReadOnlyList<string> Examples => ["tenant allow acme", "tenant allow acme 203.0.113.0/24 2001:db8::/32", "tenant allow acme --any"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        TenantSlug slug = context.Get(_slug);
        AddressList wanted = context.Get(_networks);
        TenantEntry entry = wanted.IsAny && !context.Get(_any)
            ? await control.Store.GetTenantAsync(slug, cancellationToken)
            : await new TenantAddresses(control).AllowAsync(slug, wanted, cancellationToken);
        AddressList allowed = entry.Tenant.AllowedAddresses;
        context.Output.Answer(new { Slug = slug.Value, AllowedAddresses = allowed.Texts },
            output => output.Line($"tenant {slug} may be reached from {(allowed.IsAny ? "every address" : string.Join(", ", allowed.Texts))}"));
    }
}
