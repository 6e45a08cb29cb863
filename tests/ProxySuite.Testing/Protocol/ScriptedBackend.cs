using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Testing.Protocol;

/// <summary>
/// A PostgreSQL server that is played by the test: it logs clients in, then says what the test says. It records every connection and
/// every CancelRequest.
/// </summary>
/// <remarks>
/// <code>
/// await using ScriptedBackend backend = ScriptedBackend.Start();
/// ... a proxy connects to backend.Port ...
/// Assert.Equal("Query \"SELECT 1\"", (await backend.NextAsync()).ToString());
/// await backend.AnswerAsync(OneRow("n", "1"));
/// </code>
/// </remarks>
public sealed class ScriptedBackend : IAsyncDisposable
{
    private const int FirstProcessId = 1001;

    private readonly ScriptedBackendOptions _options;
    private readonly Socket _listener;
    private readonly Lock _lock = new();
    private readonly List<ScriptedConnection> _connections = [];
    private readonly Channel<ScriptedConnection> _ready = Channel.CreateUnbounded<ScriptedConnection>();
    private readonly Channel<CancelRequest> _cancels = Channel.CreateUnbounded<CancelRequest>();
    private readonly Task _accepting;
    private ScriptedConnection? _current;

    private ScriptedBackend(ScriptedBackendOptions options, Socket listener, int port)
    {
        _options = options;
        _listener = listener;
        Port = port;
        _accepting = AcceptAsync();
    }

    public string Host => _options.UnixDirectory ?? "127.0.0.1";

    public int Port { get; }

    public EndPoint EndPoint => _listener.LocalEndPoint!;

    /// <summary>Every connection accepted, in that order, also those that never logged in and those that ended.</summary>
    public IReadOnlyList<ScriptedConnection> Connections
    {
        get
        {
            lock (_lock) return [.. _connections];
        }
    }

    public static ScriptedBackend Start(ScriptedBackendOptions? options = null)
    {
        options ??= new ScriptedBackendOptions();
        int port = FreePort.Next();
        bool isUnix = options.UnixDirectory is not null;
        Socket listener = isUnix ? new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(isUnix ? new UnixDomainSocketEndPoint($"{options.UnixDirectory}/.s.PGSQL.{port}") : new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(1024);
        return new ScriptedBackend(options, listener, port);
    }

    /// <summary>The next connection that logged in and was not returned before.</summary>
    /// <exception cref="TimeoutException">None came.</exception>
    public async Task<ScriptedConnection> NextConnectionAsync(TimeSpan? timeout = null)
        => await NextAsync(_ready.Reader, "connection", timeout);

    /// <summary>The next CancelRequest; its process id names one of <see cref="Connections"/>.</summary>
    /// <exception cref="TimeoutException">None came.</exception>
    public async Task<CancelRequest> NextCancelAsync(TimeSpan? timeout = null) => await NextAsync(_cancels.Reader, "cancel request", timeout);

    /// <summary>The connection whose pid and key a CancelRequest names; null when it guesses.</summary>
    public ScriptedConnection? FindConnection(CancelRequest cancel)
        => Connections.FirstOrDefault(connection => connection.ProcessId == cancel.ProcessId && cancel.Key.SequenceEqual(connection.Key));

    /// <summary>The next message on the connection that tests with a single one speak to: the first that logged in.</summary>
    public async Task<WireMessage> NextAsync(TimeSpan? timeout = null) => await (await CurrentAsync()).NextAsync(timeout);

    /// <summary>Answers on the connection that <see cref="NextAsync(TimeSpan?)"/> reads.</summary>
    public async Task AnswerAsync(params byte[][] messages) => await (await CurrentAsync()).AnswerAsync(messages);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        foreach (ScriptedConnection connection in Connections) connection.Close();
        if (_options.UnixDirectory is { } directory && Directory.Exists(directory)) File.Delete($"{directory}/.s.PGSQL.{Port}");
    }

    private static async Task<T> NextAsync<T>(ChannelReader<T> reader, string what, TimeSpan? timeout)
    {
        using CancellationTokenSource limit = new(timeout ?? MessageSocket.DefaultTimeout);
        try
        {
            return await reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no {what} came");
        }
    }

    private async Task<ScriptedConnection> CurrentAsync() => _current ??= await NextConnectionAsync();

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }
            ScriptedConnection connection;
            lock (_lock)
            {
                connection = new ScriptedConnection(socket, FirstProcessId + _connections.Count);
                _connections.Add(connection);
            }
            // Each by itself: one that stays silent holds no other back. What ends it is in its transcript.
            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(ScriptedConnection connection)
    {
        try
        {
            switch (_options.Welcome)
            {
                case Welcome.Reset:
                    await connection.NextAsync();
                    connection.Wire.Reset();
                    return;
                case Welcome.Silence:
                    return;
                case Welcome.LogIn when await connection.LogInAsync(_options) is { } cancel:
                    _cancels.Writer.TryWrite(cancel);
                    connection.Close();
                    return;
                default:
                    _ready.Writer.TryWrite(connection);
                    break;
            }
            if (_options.Respond is { } respond) await RespondAsync(connection, respond);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException or InvalidDataException or PgProtocolException or TimeoutException)
        {
            connection.Transcript.Event($"! {exception.Message}");
        }
    }

    private static async Task RespondAsync(ScriptedConnection connection, Func<ScriptedConnection, WireMessage, byte[]?> respond)
    {
        while (await connection.Wire.NextAsync(Timeout.InfiniteTimeSpan) is { } message)
        {
            if (respond(connection, message) is { } answer) await connection.AnswerAsync(answer);
        }
        connection.Close();
    }
}
