using System.Diagnostics;

namespace ProxySuite.Proxy.Transport;

/// <summary>
/// Whether a reactor that is woken takes the processor from whoever has it, or waits until that one sleeps. While most queries stand in line for a server,
/// the servers set the pace, and in a crowd of logins the clients do: who is pushed away then is one of them, and the push costs more than the wait. Judged ten
/// times a second.
/// </summary>
/// <remarks>Measured in docs/decisions/2026-11-21-patient-reactors.md. Touched on the reactor's thread alone.</remarks>
public sealed class ReactorPace
{
    /// <summary>Time between two judgements.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>With fewer in line in an interval there is next to nothing to be saved, 10 us each.</summary>
    internal const int QueuedMin = 100;

    private static readonly long IntervalTicks = (long)(Interval.TotalSeconds * Stopwatch.Frequency);

    private long _dueTicks;

    /// <summary>How often somebody asked for a server since the last judgement.</summary>
    internal long Asked { get; private set; }

    /// <summary>How often it was not there.</summary>
    internal long Queued { get; private set; }

    /// <summary>True while waiting is the cheaper.</summary>
    public bool IsPatient { get; private set; }

    /// <summary>Somebody asked for a server; it was there or not.</summary>
    internal void Count(bool isQueued)
    {
        Asked++;
        if (isQueued) Queued++;
    }

    /// <summary>Somebody logged in, with three messages, none of which needs an answer sooner than the others of a crowd do.</summary>
    internal void CountLogin()
    {
        Asked += 3;
        Queued += 3;
    }

    /// <summary>Looks at what was counted once the interval is over. An idle reactor is not woken for it: its first turn afterwards judges.</summary>
    /// <returns>True when <see cref="IsPatient"/> has changed.</returns>
    internal bool Judge(long nowTicks)
    {
        if (nowTicks < _dueTicks) return false;
        bool isPatient = Queued >= QueuedMin && 2 * Queued >= Asked;
        _dueTicks = nowTicks + IntervalTicks;
        Asked = Queued = 0;
        if (isPatient == IsPatient) return false;
        IsPatient = isPatient;
        return true;
    }
}
