namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Shutdown</c>.</summary>
public sealed record ShutdownOptions
{
    /// <summary>Longest time that open transactions get to finish after SIGTERM before their connections are closed.</summary>
    /// <value>1 s to 1 h, or 0 to close at once; default 30 s. Reloadable.</value>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    internal static ShutdownOptions Read(SectionReader section) => new()
    {
        DrainTimeout = section.DurationOrOff(nameof(DrainTimeout), new ShutdownOptions().DrainTimeout,
            TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), Reload.Live),
    };
}
