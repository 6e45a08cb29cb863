using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantSetUserVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<string> _user = new("USER") { Description = "The user" };
    private readonly Option<ValidUntil?> _validUntil = ValidUntilOption.Create("Until when the user may log in");

    public TenantSetUserVerb() : base("set-user", "Say until when a user may log in; the password stays, and open sessions stay open")
    {
        Add(_slug);
        Add(_user);
        _validUntil.Required = true;
        Add(_validUntil);
    }

    public override IReadOnlyList<string> Examples => ["tenant set-user acme auditor --valid-until 2027-01-31", "tenant set-user acme auditor --valid-until none"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        string name = context.Get(_user);
        TenantEntry entry = await new TenantUsers(await context.OpenAsync(cancellationToken)).SetEndAsync(context.Get(_slug), name, context.Get(_validUntil)!.Value, cancellationToken);
        TenantUser user = entry.Tenant.Users[name];
        context.Output.Answer(new { Slug = entry.Tenant.Slug.Value, User = name, user.ValidUntil },
            output => output.Line($"user {name} of tenant {entry.Tenant.Slug} may log in {(user.ValidUntil is { } end ? $"until {Time.Text(end)}" : "for ever")}"));
    }
}
