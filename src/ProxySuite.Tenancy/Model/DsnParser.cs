using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace ProxySuite.Tenancy.Model;

/// <summary>
/// Reads DSNs as PostgreSQL's users write them: <c>postgres://user:password@host:port,host2/database?sslmode=require</c>, with Unix sockets as
/// <c>postgres://%2Frun%2Fpostgresql/db</c> or <c>postgres:///db?host=/run/postgresql</c> (libpq, "Connection URIs"), or Npgsql's <c>Host=…;Database=…</c>.
/// </summary>
public static class DsnParser
{
    /// <exception cref="FormatException">What is wrong with it; the message never contains the password.</exception>
    public static Dsn Parse(string text)
    {
        text = text.Trim();
        if (text.Length == 0) throw new FormatException("the DSN is empty");
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return FromKeyValues(text);
        if (text[..scheme] is not ("postgres" or "postgresql"))
        {
            throw new FormatException($"\"{text[..scheme]}://\" is no scheme of a DSN; use postgres:// or Host=…;Database=…");
        }
        return FromUri(text[(scheme + 3)..]);
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out Dsn? dsn, [NotNullWhen(false)] out string? reason)
    {
        try
        {
            (dsn, reason) = (Parse(text), null);
            return true;
        }
        catch (FormatException refused)
        {
            (dsn, reason) = (null, refused.Message);
            return false;
        }
    }

    private static Dsn FromKeyValues(string text)
    {
        if (!text.Contains('=')) throw new FormatException("the DSN is neither a postgres:// URI nor key=value pairs separated by ';'");
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException or OverflowException or InvalidCastException)
        {
            // Npgsql names the keyword; it quotes a value only where the value is not text, so never the password.
            throw new FormatException(refused.Message);
        }
        if (string.IsNullOrWhiteSpace(settings.Host)) throw new FormatException("the DSN has no Host");
        return new Dsn(settings);
    }

    /// <param name="text">What stands behind <c>postgres://</c>.</param>
    private static Dsn FromUri(string text)
    {
        (text, string query) = Cut(text, '?');
        (string authority, string database) = Cut(text, '/');
        // A password may contain '@' unescaped; a host never does.
        int at = authority.LastIndexOf('@');
        (string login, string hosts) = at < 0 ? ("", authority) : (authority[..at], authority[(at + 1)..]);
        (string user, string password) = Cut(login, ':');

        var settings = new NpgsqlConnectionStringBuilder();
        SetHosts(settings, hosts);
        if (user.Length > 0) settings.Username = Decode(user, "user");
        if (password.Length > 0) settings.Password = Decode(password, "password");
        if (database.Length > 0) settings.Database = Decode(database, "database");
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            (string name, string value) = Cut(pair, '=');
            SetParameter(settings, name, Decode(value, name));
        }
        // libpq without a host takes its compiled-in socket directory; we cannot know it, so we ask.
        if (string.IsNullOrEmpty(settings.Host)) throw new FormatException("the DSN names no host");
        return new Dsn(settings);
    }

    private static void SetHosts(NpgsqlConnectionStringBuilder settings, string hosts)
    {
        if (hosts.Length == 0) return;
        ShardEndpoint[] endpoints = [.. hosts.Split(',').Select(host => ShardEndpoint.Parse(Decode(host, "host")))];
        SetEndpoints(settings, endpoints);
    }

    private static void SetEndpoints(NpgsqlConnectionStringBuilder settings, ShardEndpoint[] endpoints)
    {
        if (endpoints.Length == 1)
        {
            (settings.Host, settings.Port) = (endpoints[0].Host, endpoints[0].Port);
            return;
        }
        settings.Host = string.Join(',', endpoints.Select(endpoint => endpoint.ToString()));
    }

    private static void SetParameter(NpgsqlConnectionStringBuilder settings, string name, string value)
    {
        switch (name)
        {
            case "host":
                SetEndpoints(settings, [.. value.Split(',').Select(host => ShardEndpoint.Parse(host, settings.Port))]);
                break;
            case "port": settings.Port = ShardEndpoint.ParsePort(value); break;
            case "user": settings.Username = value; break;
            case "password": settings.Password = value; break;
            case "dbname": settings.Database = value; break;
            case "sslmode": settings.SslMode = (SslMode)EnumText.Parse<TlsMode>(value); break;
            case "sslrootcert": settings.RootCertificate = value; break;
            case "sslcert": settings.SslCertificate = value; break;
            case "sslkey": settings.SslKey = value; break;
            case "application_name": settings.ApplicationName = value; break;
            case "options": settings.Options = value; break;
            case "connect_timeout":
                settings.Timeout = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds <= 1024
                    ? seconds
                    : throw new FormatException("connect_timeout must be 0 to 1024 seconds");
                break;
            default: throw new FormatException($"the DSN's parameter \"{name}\" is not known");
        }
    }

    private static (string Before, string After) Cut(string text, char separator)
    {
        int at = text.IndexOf(separator);
        return at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
    }

    /// <remarks>Uri.UnescapeDataString leaves a broken escape as it stands; a DSN with one is more likely a password that needs escaping.</remarks>
    private static string Decode(string text, string part)
    {
        for (int percent = text.IndexOf('%'); percent >= 0; percent = text.IndexOf('%', percent + 1))
        {
            bool whole = percent + 2 < text.Length && char.IsAsciiHexDigit(text[percent + 1]) && char.IsAsciiHexDigit(text[percent + 2]);
            if (!whole) throw new FormatException($"the DSN's {part} has a '%' without two hexadecimal digits behind it; write %25 for '%'");
        }
        string decoded = Uri.UnescapeDataString(text);
        return decoded.Contains('\0') ? throw new FormatException($"the DSN's {part} contains NUL") : decoded;
    }
}
