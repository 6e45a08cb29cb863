using System.Net;
using System.Net.Sockets;
using System.Text;
using ProxySuite.Proxy.Listening;
using Xunit;

namespace ProxySuite.Proxy.Tests.Metrics;

public sealed class MetricsServerTests : IAsyncDisposable
{
    private readonly MetricsWorld _world = new();
    private readonly IPEndPoint _endPoint;

    public MetricsServerTests() => _endPoint = _world.Listen();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    /// <summary>Sends bytes and reads until the server closes.</summary>
    private async Task<string> ExchangeAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_endPoint);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    private Task<string> GetAsync(string path, string method = "GET", string host = "anything.example") => ExchangeAsync($"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");

    private static (string Head, string Body) Split(string answer) => (answer[..answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)], answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);

    [Fact]
    public async Task Metrics_come_in_Prometheus_text_format()
    {
        _world.Stats.Tenant("acme", 0).Queries = 5;
        (string head, string body) = Split(await GetAsync("/metrics"));
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n", head, StringComparison.Ordinal);
        Assert.Equal(5, new PrometheusPage(body)["proxysuite_tenant_queries_total{tenant=\"acme\"}"]);
        Assert.Contains($"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ordinary_HTTP_client_reads_it()
    {
        using var client = new HttpClient();
        using HttpResponseMessage answer = await client.GetAsync(new Uri($"http://localhost:{_endPoint.Port}/metrics?x=1"));
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(0, new PrometheusPage(await answer.Content.ReadAsStringAsync())["proxysuite_clients"]);
    }

    [Fact]
    public async Task HEAD_has_the_same_head_and_no_body()
    {
        (string head, string body) = Split(await GetAsync("/readyz", "HEAD"));
        Assert.Equal(Split(await GetAsync("/readyz")).Head, head);
        Assert.Equal("", body);
    }

    [Fact]
    public async Task Health_answers_200_or_503_with_a_JSON_reason()
    {
        (string head, string body) = Split(await GetAsync("/healthz"));
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", head, StringComparison.Ordinal);
        Assert.Equal("""{"status":"ok","phase":"accepting","registryReachable":true,"clients":0}""", body);

        _world.Server.Health = _world.Server.Health with { Phase = ServerPhase.Draining, Clients = 2 };
        (head, body) = Split(await GetAsync("/readyz"));
        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", head, StringComparison.Ordinal);
        Assert.Equal("""{"status":"not ready","reason":"draining","phase":"draining","registryReachable":true,"clients":2}""", body);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "404 Not Found")]
    [InlineData("GET /metricsx HTTP/1.1\r\n\r\n", "404 Not Found")]
    [InlineData("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405 Method Not Allowed")]
    [InlineData("get /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed")]
    [InlineData("GET metrics HTTP/1.1\r\n\r\n", "400 Bad Request")]
    [InlineData("GET /metrics\r\n\r\n", "400 Bad Request")]
    [InlineData("GET /metrics SPDY/3\r\n\r\n", "400 Bad Request")]
    [InlineData("\r\n\r\n", "400 Bad Request")]
    [InlineData("\0\0\0\u0008\u0004\r\n\r\n", "400 Bad Request")]
    public async Task Other_requests_get_the_status_that_fits(string request, string status)
        => Assert.StartsWith($"HTTP/1.1 {status}\r\n", await ExchangeAsync(request), StringComparison.Ordinal);

    [Fact]
    public async Task A_method_that_is_not_allowed_is_told_those_that_are()
        => Assert.Contains("\r\nAllow: GET, HEAD\r\n", await GetAsync("/metrics", "DELETE"), StringComparison.Ordinal);

    [Fact]
    public async Task A_request_without_end_is_cut_off()
        => Assert.StartsWith("HTTP/1.1 431 ", await ExchangeAsync("GET /metrics HTTP/1.1\r\nX: ".PadRight(8 * 1024, 'x')), StringComparison.Ordinal);

    [Fact]
    public async Task Many_scrapes_at_once_are_all_answered_in_full()
    {
        for (int tenant = 0; tenant < 200; tenant++) _world.Stats.Tenant($"t{tenant}", 0).Queries = tenant;
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => GetAsync("/metrics")));
        Assert.All(answers, answer => Assert.Equal(199, new PrometheusPage(Split(answer).Body)["proxysuite_tenant_queries_total{tenant=\"t199\"}"]));
    }

    [Fact]
    public async Task Silent_clients_leave_room_for_a_scrape()
    {
        var silent = new List<TcpClient>();
        for (int index = 0; index < 10; index++)
        {
            silent.Add(new TcpClient());
            await silent[^1].ConnectAsync(_endPoint);
        }
        Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync("/metrics"), StringComparison.Ordinal);
        silent.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_port_in_use_is_an_error_at_start()
    {
        await using var second = new MetricsWorld();
        await using MetricsServer pages = second.Pages(_endPoint);
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(pages.Start).SocketErrorCode);
    }
}
