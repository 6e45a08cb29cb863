using System.Net.Sockets;
using ProxySuite.Proxy.Transport.Epoll;

namespace ProxySuite.Proxy.Transport;

/// <summary>The file of a listening Unix socket. A name that begins with a zero byte is abstract and has no file.</summary>
internal sealed class UnixSocketFile(UnixDomainSocketEndPoint endPoint)
{
    private readonly string _path = endPoint.ToString();
    private bool _owned;

    private bool IsAbstract => _path.Length == 0 || _path[0] is '\0' or '@';

    /// <summary>Removes a socket file that a process left behind when it was killed: one that nobody answers on.</summary>
    /// <remarks>Connecting to an ordinary file is refused as well, so what it is is asked first; only Linux tells in one way on all machines.</remarks>
    public void RemoveIfStale()
    {
        if (IsAbstract || !OperatingSystem.IsLinux() || !Libc.IsSocketFile(_path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(_path);
        }
        catch (SocketException)
        {
            // Somebody listens: binding says so.
        }
    }

    /// <summary>The socket was bound: sets the file's mode, and from now on <see cref="Remove"/> deletes it.</summary>
    public void Own(UnixFileMode mode)
    {
        if (IsAbstract)
            return;
        _owned = true;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_path, mode);
    }

    /// <summary>Deletes the file, if the socket was bound to it.</summary>
    public void Remove()
    {
        if (!_owned)
            return;
        _owned = false;
        File.Delete(_path);
    }
}
