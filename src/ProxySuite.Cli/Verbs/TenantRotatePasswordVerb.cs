using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantRotatePasswordVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<string> _user = new("USER") { Description = "The user" };
    private readonly Option<TimeSpan?> _overlap = Typed.DurationOption("--overlap", "How long the old password counts beside the new one, such as 1h; default: not at all");
    private readonly Option<ValidUntil?> _validUntil = ValidUntilOption.Create("Until when the user may log in from now on; default: as before");
    private readonly PasswordOptions _password = new();

    public TenantRotatePasswordVerb() : base("rotate-password", "Set a user's password anew; open sessions stay open")
    {
        Add(_slug);
        Add(_user);
        Add(_overlap);
        Add(_validUntil);
        _password.AddTo(this);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tenant rotate-password acme app", "tenant rotate-password acme app --overlap 1h", "tenant rotate-password acme app --password-stdin < password.txt",
        "tenant rotate-password acme oldapp --md5", "tenant rotate-password acme auditor --valid-until 90d",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        Secret? given = _password.Read(context);
        string user = context.Get(_user);
        var users = new TenantUsers(await context.OpenAsync(cancellationToken)) { StoresMd5 = _password.StoresMd5(context) };
        (TenantEntry entry, Secret password) = await users.RotatePasswordAsync(context.Get(_slug), user, given, cancellationToken, context.Get(_overlap) ?? TimeSpan.Zero, context.Get(_validUntil));
        CredentialsAnswer.Write(context, entry, user, given is null ? password : null);
    }
}
