namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Reactors</c>: threads that relay.</summary>
public sealed record ReactorsOptions
{
    /// <summary>Number of reactor threads.</summary>
    /// <value>0 to 256, 0 for one a core; default 0. Needs a restart.</value>
    public int Count { get; init; }

    /// <summary><see cref="Count"/> with 0 resolved to the cores this process may use.</summary>
    public int Resolved => Count > 0 ? Count : Environment.ProcessorCount;

    internal static ReactorsOptions Read(SectionReader section) => new()
    {
        Count = section.Integer(nameof(Count), new ReactorsOptions().Count, 0, 256),
    };
}
