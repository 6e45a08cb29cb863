using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Frame;

/// <summary>What verbs that set a password print: who may log in to what, and the password when it was made here, this one time.</summary>
internal static class CredentialsAnswer
{
    /// <param name="generated">Null when the password was given, which then need not be shown.</param>
    public static void Write(CliContext context, TenantEntry entry, string user, Secret? generated)
    {
        Tenant tenant = entry.Tenant;
        var answer = new { Slug = tenant.Slug.Value, Id = tenant.Id.ToString(), User = user, Password = generated?.Reveal() };
        context.Output.Answer(answer, output =>
        {
            List<(string, string)> facts =
                [("tenant", tenant.Slug.Value), ("id", tenant.Id.ToString()), ("shard", entry.Shard.Name), ("isolation", EnumText.Of(tenant.Isolation)), ("user", user)];
            if (generated is not null) facts.Add(("password", generated.Reveal()));
            output.Facts([.. facts]);
        });
    }
}
