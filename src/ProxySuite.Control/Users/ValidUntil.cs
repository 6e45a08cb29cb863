namespace ProxySuite.Control.Users;

/// <summary>Until when a user may log in: a time to come, or for ever.</summary>
/// <param name="Time">Null for ever.</param>
public readonly record struct ValidUntil(DateTimeOffset? Time)
{
    public static readonly ValidUntil Ever = new(null);

    /// <summary>In whole seconds, as people write and read it.</summary>
    internal static DateTimeOffset? Rounded(DateTimeOffset? time)
        => time is { } end ? new DateTimeOffset(end.UtcTicks - (end.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero) : null;

    /// <exception cref="ControlException">It is over already.</exception>
    internal static void Require(DateTimeOffset? time)
    {
        if (time <= DateTimeOffset.UtcNow) throw new ControlException($"{time:u} is over already", "Name a time to come; who shall log in no more is dropped with tenant drop-user.");
    }
}
