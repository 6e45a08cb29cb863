using System.Net.Sockets;
using System.Text;

namespace ProxySuite.Testing.Servers;

/// <summary>A real Redis on a loopback port, made for tests: it keeps nothing on disk and ends with them.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private static readonly Lazy<Task<RedisServer>> Shared = new(CreateAsync);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private ServerProcess? _process;

    private RedisServer(int port) => Port = port;

    public string Host { get; } = "127.0.0.1";

    /// <summary>Stays the same over restarts.</summary>
    public int Port { get; }

    /// <summary>As StackExchange.Redis takes it: <c>127.0.0.1:PORT</c>.</summary>
    public string Configuration => $"{Host}:{Port}";

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The one that all tests of this test host share; they keep to keys of their own.</summary>
    public static Task<RedisServer> SharedAsync() => Shared.Value;

    /// <summary>Starts one; the caller disposes it.</summary>
    public static async Task<RedisServer> CreateAsync()
    {
        for (int attempt = 1; ; attempt++)
        {
            RedisServer server = new(FreePort.Next());
            try
            {
                await server.StartAsync();
                return server;
            }
            catch (InvalidOperationException exception) when (attempt < 5 && exception.Message.Contains("Address already in use", StringComparison.Ordinal))
            {
                // Another process took the port between our look and our use of it.
            }
        }
    }

    /// <summary>Starts a stopped server, empty, and returns when it answers.</summary>
    /// <exception cref="InvalidOperationException">It did not start; the message carries its output.</exception>
    public async Task StartAsync()
    {
        if (IsRunning) return;
        _process = await ServerProcess.StartAsync(
            Binaries.Program("redis-server"),
            ["--bind", Host, "--port", $"{Port}", "--save", "", "--appendonly", "no", "--maxmemory", "256mb", "--dir", "/tmp", "--daemonize", "no"]);
        long deadline = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!await AnswersAsync())
        {
            if (_process.HasExited || Environment.TickCount64 > deadline) throw new InvalidOperationException($"Redis did not start:\n{_process.Output}");
            await Task.Delay(10);
        }
    }

    /// <summary>Ends it; all keys are lost.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        process.KillTree();
        await process.WaitForExitAsync(Limit);
        process.Dispose();
        _process = null;
    }

    /// <summary>Stops its clock: connections stay open, and nothing is answered.</summary>
    public void Freeze() => _process?.Signal(UnixSignal.Stop);

    public void Thaw() => _process?.Signal(UnixSignal.Continue);

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(Host, Port);
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray());
            byte[] reply = new byte[5];
            return await stream.ReadAtLeastAsync(reply, reply.Length, throwOnEndOfStream: false) == reply.Length && Encoding.ASCII.GetString(reply) == "+PONG";
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
