namespace ProxySuite.Proxy.Transport;

/// <summary>Settings of a listening socket and of what it accepts.</summary>
public sealed record ListenOptions
{
    /// <summary>Connections that may wait for accept.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>Lets every reactor listen on the same TCP port (SO_REUSEPORT).</summary>
    public bool SharePort { get; init; }

    /// <summary>File mode of a Unix socket.</summary>
    public UnixFileMode UnixMode { get; init; } = (UnixFileMode)0b111_111_111;

    /// <summary>Settings given to each accepted connection.</summary>
    public SocketSettings Socket { get; init; } = new();
}
