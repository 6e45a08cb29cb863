namespace ProxySuite.Proxy.Transport;

/// <summary>What a reactor has done so far. Written by its thread, read by any.</summary>
public sealed class ReactorCounters
{
    /// <summary>Turns of the loop.</summary>
    public long Turns { get; internal set; }

    /// <summary>The longest turn, without its sleep, in <see cref="System.Diagnostics.Stopwatch"/> ticks.</summary>
    public long LongestTurnTicks { get; internal set; }

    /// <summary>Connections accepted.</summary>
    public long Accepted { get; internal set; }

    /// <summary>Times that accepting paused because descriptors or memory ran out; those who wait stay in the kernel's backlog.</summary>
    public long AcceptPauses { get; internal set; }

    /// <summary>Connections open now.</summary>
    public long Open { get; internal set; }

    /// <summary>Exceptions that escaped a handler, a timer or posted work; each closed one connection or was reported, none ended the loop.</summary>
    public long HandlerFailures { get; internal set; }
}
