namespace ProxySuite.Proxy.Transport;

/// <summary>What feeds a reactor.</summary>
public enum TransportKind : byte
{
    /// <summary>Linux's epoll: what production runs on.</summary>
    Epoll,

    /// <summary>.NET's sockets: any operating system, for development; two to five times the CPU per query.</summary>
    Sockets,
}
