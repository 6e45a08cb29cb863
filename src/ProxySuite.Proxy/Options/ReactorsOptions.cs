namespace ProxySuite.Proxy.Options;

/// <summary>How a reactor comes to the processor when something has come for it.</summary>
public enum ReactorWakeups : byte
{
    /// <summary>Waits until whoever runs there sleeps, while most queries stand in line for a server or a crowd logs in; at once else.</summary>
    Adaptive,

    /// <summary>At once, as far as the operating system thinks that fair.</summary>
    Prompt,
}

/// <summary>Section <c>Reactors</c>: threads that relay.</summary>
public sealed record ReactorsOptions
{
    /// <summary>Number of reactor threads.</summary>
    /// <value>0 to 256, 0 for one a core; default 0. Needs a restart.</value>
    public int Count { get; init; }

    /// <summary>Whether reactors let servers and clients on the same machine finish, while the servers set the pace.</summary>
    /// <value>adaptive or prompt; default adaptive. Needs a restart.</value>
    public ReactorWakeups Wakeups { get; init; } = ReactorWakeups.Adaptive;

    /// <summary><see cref="Count"/> with 0 resolved to the cores this process may use.</summary>
    public int Resolved => Count > 0 ? Count : Environment.ProcessorCount;

    internal static ReactorsOptions Read(SectionReader section) => new()
    {
        Count = section.Integer(nameof(Count), new ReactorsOptions().Count, 0, 256),
        Wakeups = section.OneOf(nameof(Wakeups), new ReactorsOptions().Wakeups),
    };
}
