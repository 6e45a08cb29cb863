using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>Socket calls off the hot path: addresses to and from the kernel's form, options, errors as exceptions.</summary>
internal static unsafe class SocketCalls
{
    /// <summary>Bytes of the largest address, a Unix path (struct sockaddr_storage).</summary>
    public const int AddressSizeMax = 128;

    /// <summary>Passes an answer that is not negative through.</summary>
    /// <exception cref="SocketException">It was negative; the error is that of the last call.</exception>
    public static int Check(int answer) => answer >= 0 ? answer : throw Failure(Marshal.GetLastPInvokeError());

    /// <summary>The exception for an errno.</summary>
    public static SocketException Failure(int errno) => new((int)ToSocketError(errno), $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})");

    /// <summary>A new non-blocking stream socket, not inherited by children.</summary>
    public static int Open(EndPoint endPoint)
        => Check(Libc.Socket(Family(endPoint), Libc.Stream | Libc.NonBlocking | Libc.CloseOnExec, 0));

    /// <summary>bind(2).</summary>
    /// <returns>0 or -1.</returns>
    public static int Bind(int fd, EndPoint endPoint)
    {
        SocketAddress address = endPoint.Serialize();
        fixed (byte* bytes = address.Buffer.Span)
            return Libc.Bind(fd, bytes, address.Size);
    }

    /// <summary>connect(2).</summary>
    /// <returns>0 when connected at once, or -1.</returns>
    public static int Connect(int fd, EndPoint endPoint)
    {
        SocketAddress address = endPoint.Serialize();
        fixed (byte* bytes = address.Buffer.Span)
            return Libc.Connect(fd, bytes, address.Size);
    }

    /// <summary>The address a socket is bound to.</summary>
    public static EndPoint LocalEndPoint(int fd, EndPoint asked)
    {
        byte* bytes = stackalloc byte[AddressSizeMax];
        int length = AddressSizeMax;
        Check(Libc.GetSockName(fd, bytes, &length));
        return asked is UnixDomainSocketEndPoint ? asked : ToEndPoint(bytes, length);
    }

    /// <summary>An address as the kernel filled it in; a Unix address without a path stands for a peer that bound none.</summary>
    public static EndPoint ToEndPoint(byte* bytes, int length)
    {
        var address = new ReadOnlySpan<byte>(bytes, length);
        int port = length >= 4 ? (address[2] << 8) | address[3] : 0;
        return length < 2 ? UnnamedUnix.EndPoint : *(ushort*)bytes switch
        {
            Libc.AddressV4 => new IPEndPoint(new IPAddress(address.Slice(4, 4)), port),
            Libc.AddressV6 => new IPEndPoint(new IPAddress(address.Slice(8, 16), *(uint*)(bytes + 24)), port),
            _ => UnnamedUnix.EndPoint,
        };
    }

    /// <summary>No delay for small sends, and keep-alive as told. A Unix socket knows neither.</summary>
    /// <remarks>Linux hands these options down from a listening socket to what it accepts, so a listener sets them once.</remarks>
    public static void Apply(SocketSettings settings, int fd, EndPoint endPoint)
    {
        if (endPoint is UnixDomainSocketEndPoint)
            return;
        Check(Libc.SetOption(fd, Libc.LevelTcp, Libc.TcpNoDelay, 1));
        if (settings.KeepAliveIdleSeconds == 0)
            return;
        Check(Libc.SetOption(fd, Libc.LevelSocket, Libc.KeepAlive, 1));
        Check(Libc.SetOption(fd, Libc.LevelTcp, Libc.TcpKeepIdle, settings.KeepAliveIdleSeconds));
        Check(Libc.SetOption(fd, Libc.LevelTcp, Libc.TcpKeepInterval, settings.KeepAliveIntervalSeconds));
        Check(Libc.SetOption(fd, Libc.LevelTcp, Libc.TcpKeepCount, settings.KeepAliveCount));
    }

    private static int Family(EndPoint endPoint) => endPoint switch
    {
        UnixDomainSocketEndPoint => Libc.AddressUnix,
        IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } => Libc.AddressV6,
        IPEndPoint => Libc.AddressV4,
        _ => throw new NotSupportedException($"addresses of type {endPoint.GetType().Name} are not supported"),
    };

    // errno as in asm-generic/errno.h; those that a caller can tell apart.
    private static SocketError ToSocketError(int errno) => errno switch
    {
        1 or 13 => SocketError.AccessDenied,
        2 => SocketError.ConnectionRefused, // a Unix path where nothing listens, as .NET's sockets say too
        22 => SocketError.InvalidArgument,
        Libc.ErrorFilesSystem or Libc.ErrorFilesProcess => SocketError.TooManyOpenSockets,
        97 => SocketError.AddressFamilyNotSupported,
        98 => SocketError.AddressAlreadyInUse,
        99 => SocketError.AddressNotAvailable,
        100 => SocketError.NetworkDown,
        101 => SocketError.NetworkUnreachable,
        103 => SocketError.ConnectionAborted,
        104 or 32 => SocketError.ConnectionReset,
        Libc.ErrorNoBuffers or Libc.ErrorNoMemory => SocketError.NoBufferSpaceAvailable,
        110 => SocketError.TimedOut,
        111 => SocketError.ConnectionRefused,
        113 => SocketError.HostUnreachable,
        _ => SocketError.SocketError,
    };
}
