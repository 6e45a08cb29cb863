namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>Brings the continuations of awaits that began on a reactor's thread back to it.</summary>
internal sealed class ReactorSynchronizationContext(LoopReactor reactor) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => reactor.TryPostCallback(d, state);

    /// <exception cref="NotSupportedException">From another thread: it would block there until the reactor gets round to it.</exception>
    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!reactor.IsCurrent)
            throw new NotSupportedException("a reactor takes work by Post; waiting for it could block for ever");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
