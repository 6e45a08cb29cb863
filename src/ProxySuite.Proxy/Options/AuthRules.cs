using ProxySuite.Proxy.Options.Hba;

namespace ProxySuite.Proxy.Options;

/// <summary>What host rules need of other keys: a rule that nobody could fulfil is said at the start, not at the first login.</summary>
internal static class AuthRules
{
    public static IEnumerable<ConfigProblem> Check(ProxyOptions options)
    {
        AuthOptions auth = options.Auth;
        if (auth.JwksFile.Length == 0 && auth.JwtAudience.Length > 0) yield return new ConfigProblem("Auth:JwtAudience", "is of no use without Auth:JwksFile", "");
        if (auth.JwksFile.Length == 0 && auth.JwtIssuer.Length > 0) yield return new ConfigProblem("Auth:JwtIssuer", "is of no use without Auth:JwksFile", "");
        if (auth.HbaFile.Length == 0) yield break;
        foreach (HostRule rule in auth.HostRules.All)
        {
            if (WhyImpossible(rule, auth, options.Tls) is { } reason) yield return new ConfigProblem("Auth:HbaFile", $"{auth.HbaFile} line {rule.Line}: {reason}", "");
        }
    }

    private static string? WhyImpossible(HostRule rule, AuthOptions auth, TlsOptions tls) => rule switch
    {
        { Method: LoginMethod.Jwt } when auth.JwksFile.Length == 0 => "jwt needs keys to verify tokens with; set Auth:JwksFile",
        { Method: LoginMethod.Md5 } when !auth.Md5 => "md5 is off, as whoever reads a stored hash can log in with it; write scram-sha-256, or set Auth:Md5 to on",
        { ClientCertificate: not ClientCertificate.NotAsked } when tls.Mode == ClientTlsMode.Disable || tls.ClientCaFile.Length == 0
            => "client certificates need Tls:ClientCaFile, and a Tls:Mode other than disable",
        { Map.Length: > 0 } when auth.IdentFile.Length == 0 => "map needs Auth:IdentFile",
        { Map.Length: > 0 } when !auth.IdentMaps.Contains(rule.Map) => $"there is no map \"{rule.Map}\" in {auth.IdentFile}",
        _ => null,
    };
}
