using System.Net;

namespace ProxySuite.Proxy.Transport;

/// <summary>A listening socket; disposing it stops accepting and leaves accepted connections alone.</summary>
public interface IListener : IDisposable
{
    /// <summary>The address in use, with the port that was picked.</summary>
    EndPoint LocalEndPoint { get; }
}
