using ProxySuite.Proxy.Options.Hba;

namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Auth</c>: who may log in, and how long that may take.</summary>
public sealed record AuthOptions
{
    /// <summary>Host rules in the form of pg_hba.conf.</summary>
    /// <value>A readable file; empty for SCRAM from every address; default empty. Reloadable, for logins that begin afterwards; the file is read again on every reload.</value>
    public string HbaFile { get; init; } = "";

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

    internal static AuthOptions Read(SectionReader section)
    {
        var defaults = new AuthOptions();
        string hbaFile = section.Text(nameof(HbaFile), defaults.HbaFile, Reload.Live);
        return new()
        {
            HbaFile = hbaFile,
            HostRules = hbaFile.Length > 0 ? Hba.HbaFile.Read(hbaFile, problem => section.Problem(nameof(HbaFile), problem)) : HostRules.Default,
            LoginTimeout = section.Duration(nameof(LoginTimeout), defaults.LoginTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10), Reload.Live),
            FailuresMax = section.Integer(nameof(FailuresMax), defaults.FailuresMax, 1, 10_000, Reload.Live),
            FailureDelayMax = section.Duration(nameof(FailureDelayMax), defaults.FailureDelayMax, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), Reload.Live),
        };
    }
}
