using System.Net;
using System.Text;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Proxy.Options;

/// <summary>Rules that one value's range cannot express: between keys, and with the world outside. All that is broken is reported at once.</summary>
internal static class OptionsRules
{
    public static IEnumerable<ConfigProblem> Check(ProxyOptions options)
        => Listen(options).Concat(Tls(options.Tls)).Concat(AuthRules.Check(options)).Concat(Registry(options)).Concat(Settings(options.Settings)).Concat(Admin(options.Admin)).Concat(Unavailable(options));

    private static IEnumerable<ConfigProblem> Listen(ProxyOptions options)
    {
        ListeningOptions listen = options.Listen;
        MetricsOptions metrics = options.Metrics;
        if (metrics.Port != 0 && metrics.Port == listen.Port && Overlap(metrics.Address, listen.Address))
            yield return Wrong("Metrics:Port", $"{metrics.Port} is Listen:Port as well, on the same address");
        if (options.Transport.Kind == TransportKind.Epoll && !OperatingSystem.IsLinux())
            yield return Wrong("Transport:Kind", "epoll is there on Linux only; set sockets");

        string directory = listen.UnixSocketDirectory;
        if (directory.Length == 0) yield break;
        string path = Path.Combine(directory, $".s.PGSQL.{listen.Port}");
        // sun_path holds 108 bytes with its closing NUL.
        if (!Path.IsPathFullyQualified(directory)) yield return Wrong("Listen:UnixSocketDirectory", $"\"{directory}\" is not an absolute path");
        else if (!Directory.Exists(directory)) yield return Wrong("Listen:UnixSocketDirectory", $"directory {directory} does not exist");
        else if (Encoding.UTF8.GetByteCount(path) > 107) yield return Wrong("Listen:UnixSocketDirectory", $"{path} is longer than the 107 bytes a Unix socket's path may have");
        if (listen.Port == 0) yield return Wrong("Listen:UnixSocketDirectory", "needs a fixed Listen:Port: the socket's name ends in it");
    }

    private static List<ConfigProblem> Tls(TlsOptions tls)
    {
        var problems = new List<ConfigProblem>();
        TlsFiles.Load(tls, problems)?.Dispose();
        TlsFiles.LoadServerAuthorities(tls, problems);
        if (tls.TenantDomain.Length > 0 && Uri.CheckHostName(tls.TenantDomain) != UriHostNameType.Dns)
            problems.Add(Wrong("Tls:TenantDomain", $"\"{tls.TenantDomain}\" is not a domain name, such as db.example.com, without a dot in front"));
        return problems;
    }

    private static IEnumerable<ConfigProblem> Registry(ProxyOptions options)
    {
        RegistryOptions registry = options.Registry;
        const string OneOfTwo = "exactly one of Registry:ConnectionString and Registry:File must be set; ";
        if (registry.ConnectionString.Length > 0 && registry.File.Length > 0) yield return Wrong("Registry:ConnectionString", OneOfTwo + "both are");
        if (registry.ConnectionString.Length == 0 && registry.File.Length == 0) yield return Wrong("Registry:ConnectionString", OneOfTwo + "neither is");
        if (registry.ConnectionString.Length > 0 && !DsnParser.TryParse(registry.ConnectionString, out _, out string? dsnReason))
            yield return Wrong("Registry:ConnectionString", dsnReason);

        if (registry.File.Length > 0)
            foreach (string problem in ProblemsOfRegistryFile(registry.File)) yield return Wrong("Registry:File", $"{registry.File}: {problem}");

        if (options.Redis.Configuration.Length > 0 && RedisLink.WhyRefused(options.Redis.Configuration) is { } redisReason)
            yield return Wrong("Redis:Configuration", redisReason);

        string masterKey = options.Secrets.MasterKeyFile;
        if (masterKey.Length == 0) yield return Wrong("Secrets:MasterKeyFile", "must be set: the passwords of the tenants' backend roles are derived from it");
        else if (WhyNoMasterKey(masterKey) is { } keyReason) yield return Wrong("Secrets:MasterKeyFile", keyReason);
    }

    private static IEnumerable<ConfigProblem> Settings(SettingsOptions settings)
    {
        // A custom setting of PostgreSQL is two names and a dot (guc.c, valid_custom_variable_name). It is written into start-up packets and SQL,
        // so quoting is never needed; 63 bytes is NAMEDATALEN less its NUL.
        string[] names = settings.TenantIdSetting.Split('.');
        if (names.Length != 2 || !names.All(IsName) || settings.TenantIdSetting.Length > 63)
            yield return Wrong("Settings:TenantIdSetting", $"\"{settings.TenantIdSetting}\" is not two names of letters, digits and underscores joined by a dot, 63 bytes at most");
    }

    private static IEnumerable<ConfigProblem> Admin(AdminOptions admin)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int index = 0; index < admin.Users.Count; index++)
        {
            AdminUser user = admin.Users[index];
            if (Encoding.UTF8.GetByteCount(user.Name) > 63) yield return Wrong($"Admin:Users:{index}:Name", "is longer than 63 bytes");
            if (user.Name.Length > 0 && !names.Add(user.Name)) yield return Wrong($"Admin:Users:{index}:Name", $"\"{user.Name}\" is there twice");
            if (user.Verifier.Length > 0 && !IsVerifier(user.Verifier))
                yield return Wrong($"Admin:Users:{index}:Verifier", "is not a SCRAM verifier (SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey); proxyctl verifier prints one");
        }
    }

    /// <summary>Keys of the contract whose work is not built yet: refused, because an operator who sets them relies on it.</summary>
    private static IEnumerable<ConfigProblem> Unavailable(ProxyOptions options)
    {
        const string Reason = "not available in this version; ";
        if (options.Logging.SlowQuery > TimeSpan.Zero) yield return Wrong("Logging:SlowQuery", Reason + "only 0 is");
    }

    private static ConfigProblem Wrong(string key, string reason) => new(key, reason, "");

    private static bool Overlap(IPAddress left, IPAddress right) => left.Equals(right) || IsAny(left) || IsAny(right);

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static bool IsName(string name)
        => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');

    private static bool IsVerifier(string text)
    {
        string[] parts = text.Split('$');
        return parts is ["SCRAM-SHA-256", var rounds, var keys]
            && rounds.Split(':') is [var iterations, var salt] && int.TryParse(iterations, out int count) && count > 0 && IsBase64(salt, bytes: null)
            && keys.Split(':') is [var stored, var server] && IsBase64(stored, bytes: 32) && IsBase64(server, bytes: 32);
    }

    private static bool IsBase64(string text, int? bytes)
    {
        var decoded = new byte[text.Length];
        return Convert.TryFromBase64String(text, decoded, out int length) && length > 0 && (bytes is null || length == bytes);
    }

    private static IReadOnlyList<string> ProblemsOfRegistryFile(string path)
    {
        try
        {
            FileTenantRegistry.Open(path);
            return [];
        }
        catch (RegistryFileException exception)
        {
            return exception.Problems;
        }
    }

    private static string? WhyNoMasterKey(string path)
    {
        try
        {
            MasterKey.ReadFile(path);
            return null;
        }
        catch (MasterKeyException exception)
        {
            return exception.Message;
        }
    }
}
