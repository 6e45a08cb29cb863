namespace ProxySuite.Proxy.Transport;

/// <summary>A deadline that its owner embeds and reuses: arming and disarming allocate nothing.</summary>
/// <param name="fired">Called on the reactor's thread; may arm the timer again.</param>
/// <param name="state">Passed to <paramref name="fired"/>.</param>
public sealed class WheelTimer(Action<object?> fired, object? state)
{
    internal readonly Action<object?> Fired = fired;
    internal readonly object? State = state;
    internal WheelTimer? Next;
    internal WheelTimer? Previous;
    internal TimerWheel? Wheel;
    internal long DueTick;
    internal int Slot;

    /// <summary>True between <see cref="TimerWheel.Arm"/> and firing or <see cref="TimerWheel.Disarm"/>.</summary>
    public bool IsArmed => Wheel is not null;
}
