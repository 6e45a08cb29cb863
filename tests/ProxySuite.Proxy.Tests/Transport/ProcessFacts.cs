namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>What the test process holds.</summary>
internal static class ProcessFacts
{
    /// <summary>Open descriptors of the kinds that a transport opens: sockets, epoll instances, eventfds. The runtime opens files when it likes.</summary>
    public static int Descriptors
        => new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Count(
            fd => fd.LinkTarget is { } target
            && (target.StartsWith("socket:", StringComparison.Ordinal) || target.StartsWith("anon_inode:", StringComparison.Ordinal)));

    /// <summary>Bytes of live objects.</summary>
    public static long LiveBytes
    {
        get
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }
}
