using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>Options of a TCP socket as the kernel has them, whoever set them.</summary>
internal sealed partial record SocketFacts(bool NoDelay, bool KeepAlive, int IdleSeconds, int IntervalSeconds, int Probes)
{
    /// <summary>The facts of this process's socket whose peer has this address; the newest, if there are more.</summary>
    public static unsafe SocketFacts OfPeer(EndPoint peer)
    {
        SocketAddress wanted = peer.Serialize();
        SocketFacts? found = null;
        byte* address = stackalloc byte[128];
        foreach (int fd in new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(f => int.Parse(f.Name, null)).Order())
        {
            int length = 128;
            if (GetPeerName(fd, address, &length) == 0 && new ReadOnlySpan<byte>(address, length).SequenceEqual(wanted.Buffer.Span[..wanted.Size])
                && Option(fd, 6, 1) != 0)
            {
                found = new SocketFacts(true, Option(fd, 1, 9) != 0, Option(fd, 6, 4), Option(fd, 6, 5), Option(fd, 6, 6));
            }
        }
        return found ?? new SocketFacts(false, false, 0, 0, 0);
    }

    private static unsafe int Option(int fd, int level, int option)
    {
        int value = 0;
        int length = sizeof(int);
        return GetSockOpt(fd, level, option, &value, &length) == 0 ? value : throw new SocketException(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "getpeername")]
    private static unsafe partial int GetPeerName(int fd, byte* address, int* length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static unsafe partial int GetSockOpt(int fd, int level, int option, int* value, int* length);
}
