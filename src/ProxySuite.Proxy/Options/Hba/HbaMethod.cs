namespace ProxySuite.Proxy.Options.Hba;

/// <summary>The last columns of a host rule: what there is, and of what there is not, why.</summary>
internal static class HbaMethod
{
    private const string Available = "scram-sha-256, md5, jwt, cert, trust and reject are";

    /// <exception cref="FormatException">There is no such method; the message says what to write instead.</exception>
    public static LoginMethod Of(string word) => word switch
    {
        "reject" => LoginMethod.Reject,
        "scram-sha-256" => LoginMethod.ScramSha256,
        "md5" => LoginMethod.Md5,
        "jwt" => LoginMethod.Jwt,
        "cert" => LoginMethod.Cert,
        "trust" => LoginMethod.Trust,
        "password" => throw new FormatException("password is not available: it would have the client send its password; write scram-sha-256"),
        "gss" or "sspi" or "ident" or "peer" or "pam" or "ldap" or "radius" or "bsd" or "oauth" => throw new FormatException($"{word} is not available; {Available}"),
        _ => throw new FormatException($"\"{word}\" is not an authentication method; {Available}"),
    };

    /// <summary>Reads what stands behind the method.</summary>
    /// <exception cref="FormatException">There is no such option, or not for this rule.</exception>
    public static HostRule WithOptions(HostRule rule, IEnumerable<string> options)
    {
        if (rule.Method == LoginMethod.Cert)
        {
            if (rule.Type != HostRuleType.HostSsl) throw new FormatException("cert is for hostssl rules only: without TLS there is no certificate");
            rule = rule with { ClientCertificate = ClientCertificate.VerifyFull };
        }
        foreach (string option in options)
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw new FormatException($"\"{option}\" is not name=value");
            string value = option[(equals + 1)..];
            rule = option[..equals] switch
            {
                "clientcert" => rule with { ClientCertificate = Certificate(rule, value) },
                "map" when rule.Method == LoginMethod.Cert => value.Length > 0 ? rule with { Map = value } : throw new FormatException("map= names no map"),
                "map" => throw new FormatException("map is an option of cert only"),
                _ => throw new FormatException($"\"{option}\" is not an option of a rule; clientcert=verify-ca, clientcert=verify-full and, for cert, map=NAME are"),
            };
        }
        return rule;
    }

    private static ClientCertificate Certificate(HostRule rule, string value)
    {
        if (rule.Type != HostRuleType.HostSsl) throw new FormatException("clientcert is for hostssl rules only: without TLS there is no certificate");
        return value switch
        {
            "verify-full" => ClientCertificate.VerifyFull,
            "verify-ca" when rule.Method == LoginMethod.Cert => throw new FormatException("cert always verifies the name as well; leave clientcert out, or write verify-full"),
            "verify-ca" => ClientCertificate.VerifyCa,
            _ => throw new FormatException($"clientcert=\"{value}\": verify-ca and verify-full are possible"),
        };
    }
}
