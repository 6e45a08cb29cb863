using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The admin console as the handshake sees it: a database that no tenant can be called, for users that are no tenant's.</summary>
internal interface IAdminConsole
{
    /// <summary>Whether a client that names this database means the console.</summary>
    bool Serves(string database);

    /// <summary>Whether it takes one more client although the proxy has all that it may have: the console is needed most when it is full.</summary>
    bool HasReserve { get; }

    /// <summary>Gives up what a client of the console waits for, if the key is right. Any thread.</summary>
    /// <returns>False when the request is for no client of the console.</returns>
    bool Cancel(CancelRequest request);

    /// <summary>Serves an authenticated user until it leaves; never throws. The caller closes the connection.</summary>
    /// <param name="link">The client's connection, still in pipe mode.</param>
    /// <param name="context">Its reactor's shared parts.</param>
    /// <param name="login">Where the end of the login is waiting to be sent.</param>
    /// <param name="user">Who has logged in.</param>
    Task RunAsync(TransportConnection link, FrontendContext context, MessagePipe login, string user);
}
