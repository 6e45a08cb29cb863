namespace ProxySuite.Testing.Servers;

/// <summary>Where the servers that tests start have their binaries; the same places as deploy/setup/paths.sh.</summary>
public static class Binaries
{
    /// <summary>What every failure for want of a server ends with.</summary>
    public const string InstallHint = "Run ./test.sh, or deploy/setup/install.sh as root: they install it.";

    /// <summary>The cache that this user may write to, in bytes of disk some 400 MB when full.</summary>
    /// <remarks>Root's is outside /root, where user postgres cannot look.</remarks>
    public static string Cache
    {
        get
        {
            if (Environment.GetEnvironmentVariable("PROXYSUITE_CACHE") is { Length: > 0 } given) return given;
            if (Environment.IsPrivilegedProcess) return SystemCache;
            string? xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return Path.Combine(string.IsNullOrEmpty(xdg) ? Path.Combine(home, ".cache") : xdg, "proxysuite");
        }
    }

    private const string SystemCache = "/var/cache/proxysuite";

    /// <summary>The directory with initdb and postgres of a version, 15 to 18.</summary>
    /// <exception cref="InvalidOperationException">It is not installed; the message says how to install it.</exception>
    public static string Postgres(int version)
    {
        string[] places =
        [
            $"{Cache}/postgres/{version}/bin",
            $"{SystemCache}/postgres/{version}/bin",
            $"/usr/lib/postgresql/{version}/bin",
        ];
        return places.FirstOrDefault(place => File.Exists($"{place}/postgres"))
            ?? throw new InvalidOperationException($"PostgreSQL {version} is not installed. {InstallHint}");
    }

    /// <summary>The full path of a program on the PATH or among the system's own (psql, pgbench, redis-server, setpriv).</summary>
    /// <exception cref="InvalidOperationException">It is not installed; the message says how to install it.</exception>
    public static string Program(string name)
    {
        IEnumerable<string> directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/bin");
        return directories.Where(directory => directory.Length > 0).Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException($"The program {name} is not installed. {InstallHint}");
    }

    /// <summary>A program of this repository (proxyd, proxyctl), as built beside the running test assembly.</summary>
    /// <exception cref="InvalidOperationException">The test project does not refer to the project that builds it.</exception>
    public static string Own(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, name);
        return File.Exists(path) ? path : throw new InvalidOperationException($"{name} is not beside the tests: refer to its project in the test project.");
    }
}
