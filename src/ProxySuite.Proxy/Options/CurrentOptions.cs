namespace ProxySuite.Proxy.Options;

/// <summary>
/// The options in force. Running code reads <see cref="Value"/> where it needs an option and keeps no copy, so that a reload reaches it;
/// whatever must act on a change listens to <see cref="Changed"/>.
/// </summary>
/// <param name="initial">The options the process starts with.</param>
public sealed class CurrentOptions(ProxyOptions initial)
{
    private readonly Lock _swap = new();
    private volatile ProxyOptions _value = initial;

    /// <summary>The snapshot in force. Any thread; read it once where several options must agree.</summary>
    public ProxyOptions Value => _value;

    /// <summary>Raised after each swap on the swapping thread, one swap at a time, with the new snapshot. Handlers post to their reactor and return.</summary>
    public event Action<ProxyOptions>? Changed;

    /// <summary>Puts another snapshot in force.</summary>
    public void Swap(ProxyOptions next)
    {
        lock (_swap)
        {
            _value = next;
            Changed?.Invoke(next);
        }
    }
}
