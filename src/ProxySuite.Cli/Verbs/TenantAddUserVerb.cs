using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantAddUserVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<string> _user = new("USER") { Description = "Name of the new user" };
    private readonly Option<UserRole?> _role = Typed.ChoiceOption<UserRole>("--role",
        "app: reads and writes rows (default); owner: changes tables too, not with pool; readonly: reads rows");

    private readonly Option<DateTimeOffset?> _validUntil = Typed.TimeOption("--valid-until", ValidUntilOption.Description);
    private readonly PasswordOptions _password = new();

    public TenantAddUserVerb() : base("add-user", "Let another user log in to a tenant")
    {
        Add(_slug);
        Add(_user);
        Add(_role);
        Add(_validUntil);
        _password.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tenant add-user acme migrations --role owner", "tenant add-user acme reports --role readonly --password-stdin < password.txt",
        "tenant add-user acme auditor --role readonly --valid-until 2027-01-31",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        Secret? given = _password.Read(context);
        string user = context.Get(_user);
        var users = new TenantUsers(await context.OpenAsync(cancellationToken)) { StoresMd5 = _password.StoresMd5(context) };
        (TenantEntry entry, Secret password) = await users.AddAsync(context.Get(_slug), user, context.Get(_role) ?? UserRole.App, given, cancellationToken, context.Get(_validUntil));
        CredentialsAnswer.Write(context, entry, user, given is null ? password : null);
    }
}
