using System.Globalization;

namespace ProxySuite.Tenancy.Model;

/// <summary>One address of a PostgreSQL server: a host name or IP address with a port, or the directory of a Unix socket with the port in its name.</summary>
/// <param name="Host">Host name, IP address without brackets, or an absolute directory.</param>
/// <param name="Port">1 to 65 535.</param>
public readonly record struct ShardEndpoint(string Host, int Port)
{
    public const int DefaultPort = 5432;

    public bool IsUnixSocket => Host.StartsWith('/');

    /// <summary>The socket's file, for a Unix socket (PostgreSQL, <c>unix_socket_directories</c>).</summary>
    public string UnixSocketPath => $"{Host.TrimEnd('/')}/.s.PGSQL.{Port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[::1]:port</c>, <c>::1</c> or <c>/directory:port</c>.</summary>
    /// <exception cref="FormatException">No host, or a port outside 1 to 65 535.</exception>
    public static ShardEndpoint Parse(string text, int defaultPort = DefaultPort)
    {
        (string host, string? port) = Split(text);
        if (host.Length == 0) throw new FormatException($"\"{text}\" names no host");
        return new ShardEndpoint(host, port is null ? defaultPort : ParsePort(port));
    }

    /// <exception cref="FormatException">Not a number from 1 to 65 535.</exception>
    internal static int ParsePort(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535
            ? port
            : throw new FormatException($"\"{text}\" is no port; ports run from 1 to 65535");

    /// <summary>The form that <see cref="Parse"/> reads, always with the port.</summary>
    public override string ToString()
        => Host.Contains(':') && !IsUnixSocket
            ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
            : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    private static (string Host, string? Port) Split(string text)
    {
        int bracket = text.StartsWith('[') ? text.IndexOf(']') : -1;
        if (bracket > 0)
        {
            string rest = text[(bracket + 1)..];
            if (rest.Length > 0 && rest[0] != ':') throw new FormatException($"\"{text}\" has text behind its bracket that is no port");
            return (text[1..bracket], rest.Length == 0 ? null : rest[1..]);
        }
        int colon = text.LastIndexOf(':');
        // Two colons without brackets are a bare IPv6 address.
        return colon < 0 || (text.IndexOf(':') != colon && !text.StartsWith('/')) ? (text, null) : (text[..colon], text[(colon + 1)..]);
    }
}
