using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Listening;

/// <summary>
/// The HTTP port with /metrics, /healthz and /readyz: GET and HEAD, one request a connection, nothing else.
/// </summary>
/// <remarks>Own code instead of HttpListener, which answers 404 to a request whose Host is not the literal address it was bound to (a probe by name,
/// a pod's address), cannot pick a free port, and gives no bound on time or on connections.</remarks>
internal sealed class MetricsServer : IAsyncDisposable
{
    /// <summary>Connections served at a time. Prometheus and the kubelet need two; each may cost one rendered page, some MB with 1,000 tenants.</summary>
    private const int ConnectionsMax = 16;

    /// <summary>Largest request head read, in bytes.</summary>
    private const int RequestBytesMax = 8 * 1024;

    /// <summary>Longest life of a connection: Prometheus gives a scrape 10 s.</summary>
    private static readonly TimeSpan ConnectionTimeout = TimeSpan.FromSeconds(10);

    private readonly TcpListener _listener;
    private readonly MetricsPage _metrics;
    private readonly HealthPages _health;
    private readonly SemaphoreSlim _connections = new(ConnectionsMax);
    private readonly SemaphoreSlim _render = new(1);
    private readonly CancellationTokenSource _stop = new();
    private Task _accepting = Task.CompletedTask;

    public MetricsServer(IPEndPoint endPoint, MetricsPage metrics, HealthPages health)
    {
        _listener = new TcpListener(endPoint);
        _metrics = metrics;
        _health = health;
    }

    /// <summary>The address in use, with the port that was picked.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Starts listening.</summary>
    /// <exception cref="SocketException">The address is in use, not allowed, or not on this machine.</exception>
    public void Start()
    {
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Stops listening and ends what is being served.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        await _accepting.ConfigureAwait(false);
        // All slots taken back: nothing is being served any more.
        for (int slot = 0; slot < ConnectionsMax; slot++) await _connections.WaitAsync().ConfigureAwait(false);
        _stop.Dispose();
        _connections.Dispose();
        _render.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                // Without a free slot, connections wait in the kernel's queue; those served end within the timeout.
                await _connections.WaitAsync(_stop.Token).ConfigureAwait(false);
                Socket? socket = null;
                try
                {
                    socket = await _listener.AcceptSocketAsync(_stop.Token).ConfigureAwait(false);
                }
                finally
                {
                    if (socket is null) _connections.Release();
                }
                _ = ServeAsync(socket);
            }
            catch (Exception exception) when (exception is OperationCanceledException || _stop.IsCancellationRequested)
            {
                return; // stopped, in whichever way the listener noticed first
            }
            catch (SocketException)
            {
                // The peer left before accept, or descriptors ran out: a pause keeps the latter from spinning.
                await Task.Delay(100).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            timeout.CancelAfter(ConnectionTimeout);
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await AnswerAsync(stream, timeout.Token).ConfigureAwait(false);
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // The peer went away or took too long; it asked, so it notices.
        }
        finally
        {
            _connections.Release();
        }
    }

    private async Task AnswerAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        (string? method, string path, string? problem) = await ReadRequestAsync(stream, cancellationToken).ConfigureAwait(false);
        bool withBody = method != "HEAD";
        if (problem is not null) await TextAsync(problem, "").ConfigureAwait(false);
        else if (method is not ("GET" or "HEAD")) await TextAsync("405 Method Not Allowed", "Allow: GET, HEAD\r\n").ConfigureAwait(false);
        else if (path == "/metrics") await MetricsAsync().ConfigureAwait(false);
        else if (path == "/healthz") await HealthAsync(await _health.LiveAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        else if (path == "/readyz") await HealthAsync(await _health.ReadyAsync().ConfigureAwait(false)).ConfigureAwait(false);
        else await TextAsync("404 Not Found", "").ConfigureAwait(false);

        Task TextAsync(string status, string headers)
            => SendAsync(status, "text/plain; charset=utf-8", headers, Encoding.ASCII.GetBytes($"{status}; pages are /metrics, /healthz and /readyz\n"));

        Task HealthAsync(HealthAnswer answer)
            => SendAsync(answer.IsGood ? "200 OK" : "503 Service Unavailable", "application/json", "Cache-Control: no-store\r\n", answer.Json);

        async Task MetricsAsync()
        {
            using var text = new PrometheusText();
            // One page is rendered at a time; those who wait are few and wait some milliseconds. A slow reader holds its page, not the turn.
            await _render.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                _metrics.Write(text);
            }
            finally
            {
                _render.Release();
            }
            await SendAsync("200 OK", PrometheusText.ContentType, "", text.Written).ConfigureAwait(false);
        }

        async Task SendAsync(string status, string contentType, string headers, ReadOnlyMemory<byte> body)
        {
            string head = $"HTTP/1.1 {status}\r\nContent-Type: {contentType}\r\nContent-Length: {body.Length}\r\n{headers}Connection: close\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancellationToken).ConfigureAwait(false);
            if (withBody) await stream.WriteAsync(body, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads up to the end of the request's head; a body is not read, as neither GET nor HEAD has one.</summary>
    private static async Task<(string? Method, string Path, string? Problem)> ReadRequestAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(RequestBytesMax);
        try
        {
            int length = 0;
            while (buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
            {
                if (length >= RequestBytesMax) return (null, "", "431 Request Header Fields Too Large");
                int read = await stream.ReadAsync(buffer.AsMemory(length, RequestBytesMax - length), cancellationToken).ConfigureAwait(false);
                if (read == 0) throw new IOException("the peer closed before its request was whole");
                length += read;
            }
            string line = Encoding.Latin1.GetString(buffer, 0, buffer.AsSpan(0, length).IndexOf("\r\n"u8));
            return line.Split(' ') is [var method, ['/', ..] target, "HTTP/1.1" or "HTTP/1.0"]
                ? (method, target.Split('?')[0], null)
                : (null, "", "400 Bad Request");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
