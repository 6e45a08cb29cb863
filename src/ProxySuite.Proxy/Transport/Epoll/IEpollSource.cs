namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>The owner of a descriptor that an epoll reactor watches.</summary>
internal interface IEpollSource
{
    /// <summary>Something happened to the descriptor.</summary>
    /// <param name="events">EPOLLIN and its kind.</param>
    void OnEvents(uint events);
}
