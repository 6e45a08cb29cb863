using System.Net;

namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Listen</c>: where clients connect.</summary>
public sealed record ListeningOptions
{
    /// <summary>Address of the TCP port.</summary>
    /// <value>An IPv4 or IPv6 address, <c>localhost</c>, or <c>*</c> for all IPv4 addresses (<c>::</c> for all IPv6); default 127.0.0.1. Needs a restart.</value>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>TCP port for PostgreSQL clients.</summary>
    /// <value>0 to 65535, 0 lets the system pick one; default 6432. Needs a restart.</value>
    public int Port { get; init; } = 6432;

    /// <summary>Directory in which the Unix socket <c>.s.PGSQL.PORT</c> is made, as libpq looks for it.</summary>
    /// <value>An absolute path to a directory that exists; empty for no Unix socket; default empty. Needs a restart.</value>
    public string UnixSocketDirectory { get; init; } = "";

    /// <summary>Connections that the kernel holds until they are accepted.</summary>
    /// <value>16 to 65535; default 1024. Needs a restart. The kernel cuts it to net.core.somaxconn.</value>
    public int Backlog { get; init; } = 1024;

    internal static ListeningOptions Read(SectionReader section)
    {
        var defaults = new ListeningOptions();
        return new()
        {
            Address = section.Address(nameof(Address), defaults.Address),
            Port = section.Integer(nameof(Port), defaults.Port, 0, 65535),
            UnixSocketDirectory = section.Text(nameof(UnixSocketDirectory), defaults.UnixSocketDirectory),
            Backlog = section.Integer(nameof(Backlog), defaults.Backlog, 16, 65535),
        };
    }
}
