using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Provisioning;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantCreateVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Option<string> _plan = new("--plan") { Description = "What it may use; see: proxyctl plan list", HelpName = "P", Required = true };
    private readonly Option<string?> _shard = Typed.TextOption("--shard", "Where to place it; default: the shard with most room", "S");
    private readonly Option<string?> _region = Typed.TextOption("--region", "Choose among shards of this region", "R");
    private readonly Option<IsolationModel?> _isolation = Typed.ChoiceOption<IsolationModel>("--isolation",
        "pool: shared tables with row level security; schema: a schema of its own (default); database: a database of its own");
    private readonly Option<TenantIdentity?> _identity = Typed.ChoiceOption<TenantIdentity>("--identity", "role: login roles of its own (default); sealed: shares login roles and server connections with others, for many small tenants in the pool model on a shard with lockdown strict");
    private readonly Option<string?> _user = Typed.TextOption("--user", "Its first user, of role app; default app", "U");
    private readonly Option<DateTimeOffset?> _validUntil = Typed.TimeOption("--valid-until", ValidUntilOption.Description);
    private readonly Option<FileInfo> _template = new("--template")
    {
        Description = "SQL that makes its first tables, run as the tenant's owner; with pool as the owner of the shared tables, once a shard",
        HelpName = "FILE.sql",
    };

    private readonly PasswordOptions _password = new();

    public TenantCreateVerb() : base("create", "Make a tenant with its first user; the same command again goes on where one was cut off, or changes nothing")
    {
        Add(_slug);
        Add(_plan);
        Add(_shard);
        Add(_region);
        Add(_isolation);
        Add(_identity);
        Add(_user);
        Add(_validUntil);
        _password.AddTo(this);
        Add(_template);
        _template.AcceptExistingOnly();
    }

    public override IReadOnlyList<string> Examples =>
    [
        "tenant create acme --plan growth",
        "tenant create globex --plan free --isolation pool --region eu --template shared-tables.sql",
        "tenant create tiny-1 --plan free --isolation pool --identity sealed",
        "tenant create initech --plan enterprise --isolation database --shard s2 --user web --password-stdin < password.txt",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var request = new TenantRequest
        {
            Slug = context.Get(_slug),
            Plan = context.Get(_plan)!,
            Shard = context.Get(_shard),
            Region = context.Get(_region),
            Isolation = context.Get(_isolation) ?? (context.Get(_identity) == TenantIdentity.Sealed ? IsolationModel.Pool : IsolationModel.Schema),
            Identity = context.Get(_identity) ?? TenantIdentity.Role,
            User = context.Get(_user) ?? "app",
            ValidUntil = context.Get(_validUntil),
            Password = _password.Read(context),
            Template = context.Get(_template) is { } file ? await File.ReadAllTextAsync(file.FullName, cancellationToken) : null,
        };
        ControlPlane control = await context.OpenAsync(cancellationToken);
        var provisioning = new TenantProvisioning(control, context.MasterKey());
        TenantCreated made = await context.Output.ProgressAsync($"making {request.Slug}", control, () => provisioning.CreateAsync(request, cancellationToken));
        if (!made.Created)
        {
            context.Output.Note($"tenant {request.Slug} is there already, as asked for; for a new password: proxyctl tenant rotate-password {request.Slug} {made.User}");
        }
        CredentialsAnswer.Write(context, made.Entry, made.User, made.GeneratedPassword);
    }
}
