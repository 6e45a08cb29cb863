using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ProxySuite.Proxy.Transport.Loop;

namespace ProxySuite.Proxy.Transport.Epoll;

/// <summary>Every call into the C library; on the hot path with blittable arguments. Constants are Linux's for x86-64 and arm64, where they agree.</summary>
internal static unsafe partial class Libc
{
    public const uint EpollIn = 0x1;
    public const uint EpollOut = 0x4;
    public const uint EpollError = 0x8;
    public const uint EpollHangUp = 0x10;
    public const uint EpollPeerFinished = 0x2000; // EPOLLRDHUP
    public const uint EpollEdge = 1u << 31;
    public const int EpollAdd = 1;
    public const int EpollDelete = 2;
    public const int EpollModify = 3;

    public const int AddressUnix = 1;
    public const int AddressV4 = 2;
    public const int AddressV6 = 10;
    public const int Stream = 1;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;

    public const int ShutDownWrite = 1;

    public const int LevelSocket = 1;
    public const int ReuseAddress = 2;
    public const int SocketError = 4;
    public const int KeepAlive = 9;
    public const int ReusePort = 15;
    public const int LevelTcp = 6;
    public const int TcpNoDelay = 1;
    public const int TcpKeepIdle = 4;
    public const int TcpKeepInterval = 5;
    public const int TcpKeepCount = 6;
    public const int LevelV6 = 41;
    public const int V6Only = 26;

    public const int ScheduleOther = 0; // SCHED_OTHER
    public const int ScheduleBatch = 3; // SCHED_BATCH: woken, it pushes nobody off a processor (sched(7)); allowed to everybody

    public const int ErrorInterrupted = 4;       // EINTR
    public const int ErrorAgain = 11;            // EAGAIN
    public const int ErrorNoMemory = 12;         // ENOMEM
    public const int ErrorFilesSystem = 23;      // ENFILE
    public const int ErrorFilesProcess = 24;     // EMFILE
    public const int ErrorNoBuffers = 105;       // ENOBUFS
    public const int ErrorInProgress = 115;      // EINPROGRESS

    private const string Name = "libc";
    private const int NoSignal = 0x4000;

    /// <summary>Size of struct epoll_event: packed on x86-64 alone (sys/epoll.h).</summary>
    public static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where an event's data begins.</summary>
    public static readonly int EventDataOffset = EventSize - 8;

    // Resolving a symbol can itself set errno: done once before the first answer is read.
    static Libc() => _ = *ErrnoLocation();

    /// <summary>Receives without blocking from a non-blocking socket into a buffer that is not empty.</summary>
    /// <returns>Bytes, 0 at end-of-stream, or an <see cref="IoResult"/>.</returns>
    /// <remarks>The transition to preemptive mode is left out: the call never blocks, and a collection waits for it at most some microseconds.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Receive(int fd, Span<byte> buffer)
    {
        fixed (byte* first = buffer)
        {
            nint received;
            do
                received = Recv(fd, first, (nuint)buffer.Length, 0);
            while (received < 0 && *ErrnoLocation() == ErrorInterrupted);
            return received >= 0 ? (int)received : Failure();
        }
    }

    /// <summary>Sends without blocking on a non-blocking socket, and without SIGPIPE.</summary>
    /// <returns>Bytes taken, or an <see cref="IoResult"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Transmit(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            nint sent;
            do
                sent = Send(fd, first, (nuint)bytes.Length, NoSignal);
            while (sent < 0 && *ErrnoLocation() == ErrorInterrupted);
            return sent >= 0 ? (int)sent : Failure();
        }
    }

    /// <summary>Sets an integer option.</summary>
    /// <returns>0, or -1 with the error in <see cref="Marshal.GetLastPInvokeError"/>.</returns>
    public static int SetOption(int fd, int level, int option, int value) => SetSockOpt(fd, level, option, &value, sizeof(int));

    /// <summary>Sets how the calling thread is scheduled; only policies without a priority.</summary>
    /// <returns>0, or -1 with the error in <see cref="Marshal.GetLastPInvokeError"/>.</returns>
    public static int SetScheduler(int policy)
    {
        int priority = 0; // struct sched_param
        return SetScheduler(0, policy, &priority);
    }

    /// <summary>Takes the error of a finished connection attempt.</summary>
    /// <returns>0 or an errno.</returns>
    public static int TakeSocketError(int fd)
    {
        int error = 0;
        int length = sizeof(int);
        return GetSockOpt(fd, LevelSocket, SocketError, &error, &length) == 0 ? error : Marshal.GetLastPInvokeError();
    }

    /// <summary>True when the path itself, not what it may point to, is a socket's file.</summary>
    public static bool IsSocketFile(string path)
    {
        const int CurrentFolder = -100, NoFollow = 0x100, TypeOnly = 1, ModeOffset = 28, TypeMask = 0xF000, SocketType = 0xC000;
        byte* facts = stackalloc byte[256]; // struct statx, the same on all machines
        return StatX(CurrentFolder, path, NoFollow, TypeOnly, facts) == 0 && (*(ushort*)(facts + ModeOffset) & TypeMask) == SocketType;
    }

    /// <summary>Adds a descriptor to an epoll instance, or changes what it is watched for.</summary>
    /// <returns>0, or -1 with the error in <see cref="Marshal.GetLastPInvokeError"/>.</returns>
    public static int Watch(int epoll, int operation, int fd, uint events)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        *(long*)(change + EventDataOffset) = fd;
        return EpollControl(epoll, operation, fd, change);
    }

    [LibraryImport(Name, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(Name, EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(int epoll, int operation, int fd, byte* change);

    [LibraryImport(Name, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(int epoll, byte* events, int eventsMax, int milliseconds);

    [LibraryImport(Name, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport(Name, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, void* bytes, nuint length);

    [LibraryImport(Name, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Name, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int fd, byte* address, int length);

    [LibraryImport(Name, EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int fd, int backlog);

    [LibraryImport(Name, EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept(int fd, byte* address, int* length, int flags);

    [LibraryImport(Name, EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int fd, byte* address, int length);

    [LibraryImport(Name, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int ShutDown(int fd, int how);

    [LibraryImport(Name, EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetSockName(int fd, byte* address, int* length);

    [LibraryImport(Name, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSockOpt(int fd, int level, int option, int* value, int length);

    [LibraryImport(Name, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetSockOpt(int fd, int level, int option, int* value, int* length);

    /// <summary>Closes a descriptor. It is gone whatever the answer, so nobody retries (close(2), "Dealing with error returns").</summary>
    [LibraryImport(Name, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    /// <summary>The policy of a thread, 0 for the calling one.</summary>
    [LibraryImport(Name, EntryPoint = "sched_getscheduler", SetLastError = true)]
    public static partial int GetScheduler(int thread);

    [LibraryImport(Name, EntryPoint = "sched_setscheduler", SetLastError = true)]
    private static partial int SetScheduler(int thread, int policy, int* parameter);

    [LibraryImport(Name, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int folder, string path, int flags, uint wanted, byte* facts);

    [LibraryImport(Name, EntryPoint = "recv"), SuppressGCTransition]
    private static partial nint Recv(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport(Name, EntryPoint = "send"), SuppressGCTransition]
    private static partial nint Send(int fd, byte* bytes, nuint length, int flags);

    [LibraryImport(Name, EntryPoint = "__errno_location"), SuppressGCTransition]
    private static partial int* ErrnoLocation();

    private static int Failure() => *ErrnoLocation() == ErrorAgain ? IoResult.WouldBlock : IoResult.Broken;
}
