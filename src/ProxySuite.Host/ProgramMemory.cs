using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace ProxySuite.Host;

/// <summary>Gives memory back to the operating system that the program has stopped using. Does nothing where the system is not Linux.</summary>
/// <remarks>
/// Two thirds of the resident memory of a proxy that has just started are pages of program files (libraries, the runtime, Npgsql) that only the start
/// has touched, the kernel mapping 16 pages around each one touched. What is still needed comes back from the page cache at the next touch, without I/O.
/// </remarks>
internal static partial class ProgramMemory
{
    private const int DontNeed = 4; // MADV_DONTNEED of madvise(2)
    private const string Mappings = "/proc/self/smaps";

    /// <summary>Collects and compacts the managed heap, then does as <see cref="ReleaseFiles"/>. Stops all threads for milliseconds.</summary>
    public static void Release()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ReleaseFiles();
    }

    /// <summary>Gives back free blocks of the C heap and unmodified pages of program files. Stops nobody.</summary>
    public static void ReleaseFiles()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(Mappings)) return;
        try
        {
            _ = TrimHeap(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Not glibc: its allocator gives back by itself.
        }
        using FileStream smaps = File.OpenRead(Mappings);
        ReadCleanFiles(smaps, static mapping => _ = Advise((nint)mapping.Start, (nint)mapping.Length, DontNeed));
    }

    /// <summary>A mapping of this process.</summary>
    internal readonly record struct Mapping(long Start, long Length);

    /// <summary>
    /// The mappings of files that may be dropped: not writable and never written, so that their content is the file's and nothing else. A page that was
    /// written once (relocations, the dynamic linker's tables) counts as anonymous and keeps its mapping out: dropping it would undo the write.
    /// </summary>
    /// <param name="smaps">The text of <c>/proc/PID/smaps</c>, proc(5). Read in small pieces: as strings it would cost more memory than is given back.</param>
    /// <param name="found">Told of each.</param>
    internal static void ReadCleanFiles(Stream smaps, Action<Mapping> found)
    {
        Mapping? candidate = null;
        byte[] buffer = new byte[16 * 1024]; // a line holds a path, at most 4096 bytes (PATH_MAX)
        int filled = 0;
        for (int read; (read = smaps.Read(buffer, filled, buffer.Length - filled)) > 0;)
        {
            filled += read;
            int at = 0;
            for (int length; (length = buffer.AsSpan(at, filled - at).IndexOf((byte)'\n')) >= 0; at += length + 1) TakeLine(buffer.AsSpan(at, length), ref candidate, found);
            buffer.AsSpan(at, filled - at).CopyTo(buffer);
            filled -= at;
        }
        if (candidate is { } last) found(last);
    }

    private static void TakeLine(ReadOnlySpan<byte> line, ref Mapping? candidate, Action<Mapping> found)
    {
        if (TryReadHeader(line, out Mapping? next))
        {
            if (candidate is { } clean) found(clean);
            candidate = next;
        }
        else if (SaysModified(line))
        {
            candidate = null;
        }
    }

    private static bool SaysModified(ReadOnlySpan<byte> line)
        => (line.StartsWith("Anonymous:"u8) || line.StartsWith("Private_Dirty:"u8) || line.StartsWith("Shared_Dirty:"u8) || line.StartsWith("Locked:"u8) || line.StartsWith("Swap:"u8))
            && !line.EndsWith(" 0 kB"u8);

    /// <returns>True for a mapping's first line; <paramref name="candidate"/> is null when it is not a file's, or may be written.</returns>
    private static bool TryReadHeader(ReadOnlySpan<byte> line, out Mapping? candidate)
    {
        // 7f8e00000000-7f8e00010000 r-xp 00000000 fe:01 1234    /usr/lib/libc.so.6
        candidate = null;
        if (!Utf8Parser.TryParse(line, out long start, out int digits, 'x') || digits >= line.Length || line[digits] != '-') return false;
        line = line[(digits + 1)..];
        if (!Utf8Parser.TryParse(line, out long end, out digits, 'x') || digits + 4 > line.Length) return false;
        line = line[(digits + 1)..];
        bool isFile = line.Contains((byte)'/') && !line.EndsWith("(deleted)"u8);
        if (isFile && line[0] == 'r' && line[1] == '-') candidate = new Mapping(start, end - start);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nint length, int advice);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nint keep);
}
