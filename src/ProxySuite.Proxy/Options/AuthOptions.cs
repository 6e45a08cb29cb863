using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Options.Jwt;

namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Auth</c>: who may log in, and how long that may take.</summary>
public sealed record AuthOptions
{
    /// <summary>Host rules in the form of pg_hba.conf.</summary>
    /// <value>A readable file; empty for SCRAM from every address; default empty. Reloadable, for logins that begin afterwards; the file is read again on every reload.</value>
    public string HbaFile { get; init; } = "";

    /// <summary>Maps from names in client certificates to users, in the form of pg_ident.conf, for host rules of method cert.</summary>
    /// <value>A readable file; default empty: no maps. Reloadable; the file is read again on every reload.</value>
    public string IdentFile { get; init; } = "";

    /// <summary>Keys that tokens may be signed with (JSON Web Key Set), for host rules of method jwt.</summary>
    /// <value>A readable file; default empty: no token is valid. Reloadable; the file is read again on every reload.</value>
    public string JwksFile { get; init; } = "";

    /// <summary>Whom tokens have to be for (claim <c>aud</c>).</summary>
    /// <value>Any text; default empty: then tokens that name an audience are refused, as they are for somebody else. Reloadable.</value>
    public string JwtAudience { get; init; } = "";

    /// <summary>Who has to have issued tokens (claim <c>iss</c>).</summary>
    /// <value>Any text; default empty: any issuer, as long as the key is one of <see cref="JwksFile"/>. Reloadable.</value>
    public string JwtIssuer { get; init; } = "";

    /// <summary>How far the clocks of issuers may be off, for <c>exp</c> and <c>nbf</c>.</summary>
    /// <value>1 s to 5 min, or 0; default 30 s. Reloadable.</value>
    public TimeSpan JwtClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether host rules of method md5 are allowed.</summary>
    /// <value>Default off: who reads a stored md5 hash can log in with it, and md5 is fast to search. Reloadable.</value>
    public bool Md5 { get; init; }

    /// <summary>Longest time from accept to the end of authentication; a client that takes longer is closed.</summary>
    /// <value>1 s to 10 min; default 15 s. Reloadable, for connections accepted afterwards.</value>
    public TimeSpan LoginTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Failed logins of one tenant from one address before further ones have to wait; one is forgotten every 10 s, all with a success.</summary>
    /// <value>1 to 10000; default 10. Reloadable.</value>
    public int FailuresMax { get; init; } = 10;

    /// <summary>Longest wait of a login after too many failures.</summary>
    /// <value>100 ms to 1 min; default 5 s, and never more than half of <see cref="LoginTimeout"/>. Reloadable.</value>
    public TimeSpan FailureDelayMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What <see cref="HbaFile"/> holds: read with the options, so that a file with a mistake changes nothing.</summary>
    internal HostRules HostRules { get; init; } = HostRules.Default;

    /// <summary>What <see cref="IdentFile"/> holds.</summary>
    internal IdentMaps IdentMaps { get; init; } = IdentMaps.Empty;

    /// <summary>What <see cref="JwksFile"/> holds.</summary>
    internal JwkSet Keys { get; init; } = JwkSet.Empty;

    internal static AuthOptions Read(SectionReader section)
    {
        var defaults = new AuthOptions();
        string hbaFile = section.Text(nameof(HbaFile), defaults.HbaFile, Reload.Live);
        string identFile = section.Text(nameof(IdentFile), defaults.IdentFile, Reload.Live);
        string jwksFile = section.Text(nameof(JwksFile), defaults.JwksFile, Reload.Live);
        return new()
        {
            HbaFile = hbaFile,
            HostRules = hbaFile.Length > 0 ? Hba.HbaFile.Read(hbaFile, problem => section.Problem(nameof(HbaFile), problem)) : HostRules.Default,
            IdentFile = identFile,
            IdentMaps = identFile.Length > 0 ? Hba.IdentFile.Read(identFile, problem => section.Problem(nameof(IdentFile), problem)) : IdentMaps.Empty,
            JwksFile = jwksFile,
            Keys = jwksFile.Length > 0 ? Jwt.JwksFile.Read(jwksFile, problem => section.Problem(nameof(JwksFile), problem)) : JwkSet.Empty,
            JwtAudience = section.Text(nameof(JwtAudience), defaults.JwtAudience, Reload.Live),
            JwtIssuer = section.Text(nameof(JwtIssuer), defaults.JwtIssuer, Reload.Live),
            JwtClockSkew = section.DurationOrOff(nameof(JwtClockSkew), defaults.JwtClockSkew, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5), Reload.Live),
            Md5 = section.OnOff(nameof(Md5), defaults.Md5, Reload.Live),
            LoginTimeout = section.Duration(nameof(LoginTimeout), defaults.LoginTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10), Reload.Live),
            FailuresMax = section.Integer(nameof(FailuresMax), defaults.FailuresMax, 1, 10_000, Reload.Live),
            FailureDelayMax = section.Duration(nameof(FailureDelayMax), defaults.FailureDelayMax, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), Reload.Live),
        };
    }
}
