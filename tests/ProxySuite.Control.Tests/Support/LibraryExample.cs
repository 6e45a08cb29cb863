using ProxySuite.Control;
using ProxySuite.Control.Plans;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Tenants;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace Example;

public static class SignUp
{
    public static async Task<string> RunAsync(string registry, string masterKeyFile, string customer, CancellationToken cancellationToken)
    {
        MasterKey key = MasterKey.ReadFile(masterKeyFile);
        await using var control = new ControlPlane(DsnParser.Parse(registry), actor: "sign-up service") { MasterKey = key };
        TenantSlug slug = TenantSlug.Parse(customer);

        // Safe to repeat after a crash: the same request finishes what was begun, or finds that it is done.
        TenantCreated made = await new TenantProvisioning(control, key).CreateAsync(
            new TenantRequest { Slug = slug, Plan = "starter", Region = "eu", Template = "CREATE TABLE notes (id bigint PRIMARY KEY, body text)" }, cancellationToken);

        // A second user who may only read, and a limit above the plan's.
        (_, Secret reports) = await new TenantUsers(control).AddAsync(slug, "reports", UserRole.Readonly, password: null, cancellationToken);
        await new PlanService(control).SetOverridesAsync(slug, new PlanOverrides { Connections = 8 }, reset: false, cancellationToken);

        // Unpaid: not served for two days, then resumed by whoever runs RunDueAsync (proxyctl work, or this service now and then).
        await new TenantLifecycle(control).SuspendAsync(slug, "unpaid", cancellationToken, until: DateTimeOffset.UtcNow.AddDays(2));
        await control.RunDueAsync(cancellationToken);
        await new TenantLifecycle(control).ResumeAsync(slug, key, cancellationToken);
        return $"{made.User}:{made.GeneratedPassword?.Reveal()} reports:{reports.Reveal()}";
    }
}
