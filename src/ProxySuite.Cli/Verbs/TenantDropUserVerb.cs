using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantDropUserVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<string> _user = new("USER") { Description = "The user" };

    public TenantDropUserVerb() : base("drop-user", "Let a user log in no more; what it wrote stays") => Take(_slug, _user);

    public override IReadOnlyList<string> Examples => ["tenant drop-user acme reports"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        TenantSlug slug = context.Get(_slug);
        string user = context.Get(_user);
        await new TenantUsers(await context.OpenAsync(cancellationToken)).DropAsync(slug, user, cancellationToken);
        context.Output.Answer(new { Slug = slug.Value, User = user }, output => output.Line($"user {user} of tenant {slug} is dropped"));
    }
}
