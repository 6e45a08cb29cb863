namespace ProxySuite.Proxy.Options.Hba;

/// <summary>Host rules in order; the first that fits a client decides, and where none does the client is refused (client-authentication, "The pg_hba.conf File").</summary>
internal sealed class HostRules(IReadOnlyList<HostRule> rules)
{
    /// <summary>What holds without a file: SCRAM from everywhere.</summary>
    public static HostRules Default { get; } = new(
    [
        new HostRule(0, HostRuleType.Local, null, null, null, LoginMethod.ScramSha256),
        new HostRule(0, HostRuleType.Host, null, null, null, LoginMethod.ScramSha256),
    ]);

    public IReadOnlyList<HostRule> All => rules;

    /// <summary>The rule for a client, by the names it gave; whether they exist plays no part.</summary>
    public HostRule? Find(ClientOrigin origin, string tenant, string user)
    {
        // By index: the enumerator of an interface is an object.
        for (int i = 0; i < rules.Count; i++)
        {
            if (rules[i].Fits(origin, tenant, user)) return rules[i];
        }
        return null;
    }
}
