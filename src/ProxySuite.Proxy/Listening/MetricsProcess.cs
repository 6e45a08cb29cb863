using System.Diagnostics;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Listening;

/// <summary>The part of /metrics that is about the process: build, memory, processor time, descriptors, garbage collection, lost log lines.</summary>
/// <param name="version">The proxy's version for <c>build_info</c>.</param>
/// <param name="logEventsDropped">How many log events a full queue has dropped so far.</param>
internal sealed class ProcessMetrics(string version, Func<long> logEventsDropped)
{
    private readonly byte[] _version = PrometheusText.Label("version", version);
    private readonly byte[] _runtime = PrometheusText.Label("runtime", Environment.Version.ToString());
    private readonly double _startSeconds = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
    private readonly long _openFilesMax = OpenFilesMax();

    public void Write(PrometheusText text)
    {
        text.Gauge("proxysuite_build_info"u8, "1, with the version of the proxy and of the .NET runtime."u8);
        text.Sample(_version, _runtime, 1);
        text.Counter("proxysuite_log_events_dropped_total"u8, "Log events dropped because the console did not keep up."u8);
        text.Sample(""u8, ""u8, logEventsDropped());
        text.Gauge("process_start_time_seconds"u8, "Start of the process in seconds since 1970."u8);
        text.Sample(""u8, ""u8, _startSeconds);
        text.Counter("process_cpu_seconds_total"u8, "Processor time used, user and system."u8);
        text.Sample(""u8, ""u8, CpuSeconds());
        text.Gauge("process_resident_memory_bytes"u8, "Memory of the process that is in RAM."u8);
        text.Sample(""u8, ""u8, Environment.WorkingSet);
        if (OperatingSystem.IsLinux())
        {
            text.Gauge("process_open_fds"u8, "Open file descriptors."u8);
            text.Sample(""u8, ""u8, Directory.GetFileSystemEntries("/proc/self/fd").LongLength);
            text.Gauge("process_max_fds"u8, "Most file descriptors the process may open."u8);
            text.Sample(""u8, ""u8, _openFilesMax);
        }

        text.Counter("dotnet_gc_collections_total"u8, "Garbage collections of a generation and those below it."u8);
        text.Sample("generation=\"0\""u8, ""u8, GC.CollectionCount(0));
        text.Sample("generation=\"1\""u8, ""u8, GC.CollectionCount(1));
        text.Sample("generation=\"2\""u8, ""u8, GC.CollectionCount(2));
        text.Counter("dotnet_gc_pause_seconds_total"u8, "Time all threads stood still for garbage collection."u8);
        text.Sample(""u8, ""u8, GC.GetTotalPauseDuration().TotalSeconds);
        text.Counter("dotnet_gc_allocated_bytes_total"u8, "Bytes allocated on the managed heap."u8);
        text.Sample(""u8, ""u8, GC.GetTotalAllocatedBytes());
        text.Gauge("dotnet_gc_heap_bytes"u8, "Managed heap after the last garbage collection."u8);
        text.Sample(""u8, ""u8, GC.GetGCMemoryInfo().HeapSizeBytes);
        text.Gauge("dotnet_threadpool_threads"u8, "Threads of the thread pool."u8);
        text.Sample(""u8, ""u8, ThreadPool.ThreadCount);
        text.Gauge("dotnet_threadpool_queue_length"u8, "Work items that wait for a thread of the pool."u8);
        text.Sample(""u8, ""u8, ThreadPool.PendingWorkItemCount);
    }

    private static double CpuSeconds()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>The soft limit of open files, which the runtime has raised to the hard one at start; 0 where it is unknown, -1 for none.</summary>
    internal static long OpenFilesMax()
    {
        const string Limits = "/proc/self/limits", Row = "Max open files";
        if (!File.Exists(Limits)) return 0;
        string? row = File.ReadLines(Limits).FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal));
        string? soft = row?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return soft == "unlimited" ? -1 : long.TryParse(soft, out long limit) ? limit : 0;
    }
}
