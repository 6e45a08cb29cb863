namespace ProxySuite.Proxy.Options;

/// <summary>What moves the bytes.</summary>
public enum TransportKind : byte
{
    /// <summary>Own epoll reactor; Linux only.</summary>
    Epoll,

    /// <summary>The framework's sockets; any operating system, for development.</summary>
    Sockets,
}

/// <summary>Section <c>Transport</c>: sockets and their keep-alive.</summary>
public sealed record TransportOptions
{
    /// <summary>What moves the bytes.</summary>
    /// <value>epoll or sockets; default epoll. Needs a restart.</value>
    public TransportKind Kind { get; init; } = TransportKind.Epoll;

    /// <summary>Silence on a connection before keep-alive probes start.</summary>
    /// <value>Whole seconds, 1 s to 2 h, or 0 for no keep-alive; default 60 s. Reloadable, for connections opened afterwards.</value>
    public TimeSpan KeepAliveIdle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time between keep-alive probes.</summary>
    /// <value>Whole seconds, 1 s to 10 min; default 10 s. Reloadable, for connections opened afterwards.</value>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Probes without an answer before the connection counts as dead.</summary>
    /// <value>1 to 100; default 6. Reloadable, for connections opened afterwards.</value>
    public int KeepAliveCount { get; init; } = 6;

    internal static TransportOptions Read(SectionReader section)
    {
        var defaults = new TransportOptions();
        TimeSpan second = TimeSpan.FromSeconds(1); // the kernel counts keep-alive in seconds
        return new()
        {
            Kind = section.OneOf(nameof(Kind), defaults.Kind),
            KeepAliveIdle = section.DurationOrOff(nameof(KeepAliveIdle), defaults.KeepAliveIdle, second, TimeSpan.FromHours(2), Reload.Live, unit: second),
            KeepAliveInterval = section.Duration(nameof(KeepAliveInterval), defaults.KeepAliveInterval, second, TimeSpan.FromMinutes(10), Reload.Live, unit: second),
            KeepAliveCount = section.Integer(nameof(KeepAliveCount), defaults.KeepAliveCount, 1, 100, Reload.Live),
        };
    }
}
