using System.Net.Sockets;
using System.Text;

namespace ProxySuite.Host;

/// <summary>Tells systemd how far the service is (sd_notify(3)); nothing happens where no NOTIFY_SOCKET is set.</summary>
internal static class SystemdNotify
{
    /// <summary>Clients can connect.</summary>
    public static void Ready() => Send("READY=1");

    /// <summary>The service drains and stops.</summary>
    public static void Stopping() => Send("STOPPING=1");

    private static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } path) return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // A leading @ stands for the NUL of Linux's abstract name space.
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (SocketException)
        {
            // systemd is gone or the socket is not ours to use; serving clients does not depend on it.
        }
    }
}
