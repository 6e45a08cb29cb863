namespace ProxySuite.Proxy.Options.Hba;

/// <summary>The last columns of a host rule: what there is, and of what there is not, why.</summary>
internal static class HbaMethod
{
    private const string Available = "scram-sha-256, trust and reject are";

    /// <exception cref="FormatException">There is no such method; the message says what to write instead.</exception>
    public static LoginMethod Of(string word) => word switch
    {
        "reject" => LoginMethod.Reject,
        "scram-sha-256" => LoginMethod.ScramSha256,
        "trust" => LoginMethod.Trust,
        "jwt" => throw new FormatException("jwt is not available in this version; " + Available),
        "md5" => throw new FormatException("md5 is not available: the registry keeps SCRAM verifiers only, and md5 needs md5 hashes; write scram-sha-256"),
        "password" => throw new FormatException("password is not available: it would have the client send its password; write scram-sha-256"),
        "cert" => throw new FormatException("cert is not available in this version; " + Available),
        "gss" or "sspi" or "ident" or "peer" or "pam" or "ldap" or "radius" or "bsd" or "oauth" => throw new FormatException($"{word} is not available; {Available}"),
        _ => throw new FormatException($"\"{word}\" is not an authentication method; {Available}"),
    };

    /// <summary>Why an option cannot stand behind a method.</summary>
    public static string WhyNoOption(string option, LoginMethod method)
        => option.StartsWith("clientcert=", StringComparison.Ordinal) ? "clientcert is not available in this version"
            : method == LoginMethod.Jwt ? $"\"{option}\" is not an option of jwt; allow-plaintext=on is"
            : $"\"{option}\": the method has no options";
}
