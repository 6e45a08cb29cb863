namespace ProxySuite.Proxy.Transport;

/// <summary>Settings of a connected socket.</summary>
public sealed record SocketSettings
{
    /// <summary>Seconds of silence before keep-alive probes start; 0 leaves keep-alive off.</summary>
    public int KeepAliveIdleSeconds { get; init; } = 60;

    /// <summary>Seconds between probes.</summary>
    public int KeepAliveIntervalSeconds { get; init; } = 10;

    /// <summary>Probes without answer before the connection counts as dead.</summary>
    public int KeepAliveCount { get; init; } = 6;
}
