using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace ProxySuite.Testing.Servers;

/// <summary>A server that a test started: ended by its pid at the latest when the test host dies, however it dies.</summary>
/// <remarks>
/// The kernel ends it (PR_SET_PDEATHSIG, set by setpriv) when the thread that started it ends. So all servers are started by one thread
/// that lives as long as the test host: threads of the pool come and go, and would take servers along.
/// </remarks>
public sealed class ServerProcess : IDisposable
{
    private static readonly BlockingCollection<Action> Starts = StartKeeperThread();

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ServerProcess(Process process) => _process = process;

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Meaningful once <see cref="HasExited"/>; 128 + N after signal N.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Both output streams so far, in the order they came.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Starts a program that runs until it is told to stop.</summary>
    /// <param name="asPostgres">As user postgres when the tests run as root, which PostgreSQL refuses to serve.</param>
    public static async Task<ServerProcess> StartAsync(
        string program, IEnumerable<string> arguments, bool asPostgres = false, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(Binaries.Program("setpriv"))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (string argument in Unprivileged(asPostgres)) start.ArgumentList.Add(argument);
        // PostgreSQL's SIGQUIT is the immediate shutdown, which takes its children along; other programs die of it.
        foreach (string argument in (string[])["--pdeathsig", "QUIT", "--", program]) start.ArgumentList.Add(argument);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;

        TaskCompletionSource<ServerProcess> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try
            {
                started.SetResult(new ServerProcess(Process.Start(start)!));
            }
            catch (Exception exception)
            {
                started.SetException(exception);
            }
        });
        ServerProcess server = await started.Task;
        server._process.StandardInput.Close();
        server._process.OutputDataReceived += server.Keep;
        server._process.ErrorDataReceived += server.Keep;
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        return server;
    }

    /// <summary>The options of setpriv that make root user postgres; none for anyone else.</summary>
    internal static string[] Unprivileged(bool asPostgres)
        => asPostgres && Environment.IsPrivilegedProcess ? ["--reuid=postgres", "--regid=postgres", "--init-groups"] : [];

    /// <summary>Sends a signal to the process alone; one that has exited is left in peace.</summary>
    public void Signal(UnixSignal signal)
    {
        if (!_process.HasExited) _ = Kill(Pid, (int)signal);
    }

    /// <summary>Kills the process and its children at once, as a power cut would; its temporary files stay.</summary>
    public void KillTree()
    {
        if (_process.HasExited) return;
        string children = File.Exists($"/proc/{Pid}/task/{Pid}/children") ? File.ReadAllText($"/proc/{Pid}/task/{Pid}/children") : "";
        // The parent first: a postmaster that sees a child die would log, and start recovery.
        _ = Kill(Pid, (int)UnixSignal.Kill);
        foreach (string child in children.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            _ = Kill(int.Parse(child, CultureInfo.InvariantCulture), (int)UnixSignal.Kill);
            // A killed process is there until its last system call ends; a zombie holds nothing any more.
            SpinWait.SpinUntil(() => !IsAlive(child), TimeSpan.FromSeconds(10));
        }
    }

    /// <summary>Waits until it is gone.</summary>
    /// <exception cref="TimeoutException">It is still there; the message carries its output.</exception>
    public async Task WaitForExitAsync(TimeSpan timeout)
    {
        using CancellationTokenSource limit = new(timeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"process {Pid} did not end within {timeout.TotalSeconds} s; its output:\n{Output}");
        }
    }

    /// <summary>Ends the process hard when it still runs; whoever wants a clean end signals and waits first.</summary>
    public void Dispose()
    {
        KillTree();
        _process.Dispose();
    }

    private static bool IsAlive(string pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return !stat.AsSpan(stat.LastIndexOf(')') + 1).StartsWith(" Z", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        lock (_output) _output.AppendLine(line.Data);
    }

    private static BlockingCollection<Action> StartKeeperThread()
    {
        BlockingCollection<Action> starts = [];
        new Thread(() =>
        {
            foreach (Action start in starts.GetConsumingEnumerable()) start();
        })
        { IsBackground = true, Name = "starts servers" }.Start();
        return starts;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int pid, int signal);
}

/// <summary>The signals that tests send, with their numbers on Linux.</summary>
public enum UnixSignal
{
    Hangup = 1,
    Interrupt = 2,
    Quit = 3,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}
