using System.Diagnostics;
using System.Globalization;

namespace ProxySuite.Testing.Servers;

/// <summary>Temporary directories of this test run's servers; gone when the run ends, and what a killed run left is swept by the next.</summary>
internal static class ServerDirectory
{
    // Short, because a Unix socket's path has at most 107 bytes.
    private static readonly string Root = $"{Path.GetTempPath().TrimEnd('/')}/proxysuite-{Environment.UserName}";
    private static readonly string Mine = $"{Root}/{Environment.ProcessId}";
    private static int _last;

    static ServerDirectory()
    {
        Directory.CreateDirectory(Mine);
        Sweep();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(Mine);
    }

    /// <summary>A new empty directory; user postgres owns it when the tests run as root.</summary>
    public static string Create(string name)
    {
        string path = $"{Mine}/{name}{Interlocked.Increment(ref _last).ToString(CultureInfo.InvariantCulture)}";
        Run("install", ["-d", "-m", "700", .. Environment.IsPrivilegedProcess ? (string[])["-o", "postgres", "-g", "postgres"] : [], path]);
        return path;
    }

    /// <summary>Makes user postgres the owner when the tests run as root; nothing otherwise.</summary>
    public static void GiveToPostgres(string path)
    {
        if (Environment.IsPrivilegedProcess) Run("chown", ["postgres:postgres", path]);
    }

    private static void Run(string program, IEnumerable<string> arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed; is there a user postgres? {Binaries.InstallHint}");
    }

    public static void Remove(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (IOException)
        {
            // A server that is just dying still writes; the next run sweeps.
        }
        catch (UnauthorizedAccessException)
        {
        }
    }

    private static void Sweep()
    {
        foreach (string run in Directory.EnumerateDirectories(Root))
        {
            if (!Directory.Exists($"/proc/{Path.GetFileName(run)}")) Remove(run);
        }
    }
}
