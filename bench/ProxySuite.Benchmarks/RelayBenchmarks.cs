using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using BenchmarkDotNet.Attributes;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Benchmarks;

/// <summary>What a request and its answer cost between two sockets: a real session and a real server connection on their reactor, whose connections take every byte at once.</summary>
public class RelayBenchmarks
{
    private const int Rounds = 20_000;
    private const string Sql = "SELECT abalance FROM pgbench_accounts WHERE aid = $1;";

    private ProxyWorld _world = null!;
    private RawClient _client = null!;
    private byte[] _request = [];
    private byte[] _reply = [];

    public enum Work
    {
        Simple,       // one Query
        Extended,     // Parse, Bind, Describe, Execute, Sync
        Prepared,     // Bind, Describe, Execute, Sync
        PipelineOf20, // Parse, Bind, Describe and Execute 20 times, one Sync
        Rows500,      // one Query with 500 rows of 100 bytes
    }

    [ParamsAllValues]
    public Work Of { get; set; }

    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        _world = await ProxyWorld.StartAsync();
        _client = await _world.ConnectAsync();
        await _world.OnPoolAsync("acme", pool =>
        {
            ServerConnection server = pool.TryCheckout((int)UserRole.App) ?? throw new InvalidOperationException("the pool has no idle server");
            LinkOf(server) = new Sink(LinkOf(server));
            pool.Checkin(server);
            return true;
        });
        await _world.OnSessionAsync(session =>
        {
            LinkOf(session) = new Sink(LinkOf(session));
            return true;
        });
        byte[] row = Message(BackendMessage.DataRow, [0, 1, 0, 0, 0, 4, .. "1234"u8]);
        byte[] result = [.. Message(BackendMessage.RowDescription, new byte[28]), .. row, .. Message(BackendMessage.CommandComplete, "SELECT 1\0"u8)];
        byte[] ready = Message(BackendMessage.ReadyForQuery, "I"u8), bound = Message(BackendMessage.BindComplete, default), parsed = Message(BackendMessage.ParseComplete, default);
        (_request, _reply) = Of switch
        {
            Work.Simple => (Query("SELECT abalance FROM pgbench_accounts WHERE aid = 12345;"), [.. result, .. ready]),
            Work.Extended => (Join(Parse("", Sql), Bind("", "", "12345"), DescribePortal(""), Execute(), Sync), [.. parsed, .. bound, .. result, .. ready]),
            Work.Prepared => (Join(Bind("", "s", "12345"), DescribePortal(""), Execute(), Sync), [.. bound, .. result, .. ready]),
            Work.PipelineOf20 => (Join([.. Times(20, Join(Parse("", Sql), Bind("", "", "12345"), DescribePortal(""), Execute())), Sync]), Join([.. Times(20, [.. parsed, .. bound, .. result]), ready])),
            _ => (Query("SELECT text FROM big"), Join([.. Times(500, Message(BackendMessage.DataRow, new byte[102])), Message(BackendMessage.CommandComplete, "SELECT 500\0"u8), ready])),
        };
        if (Of == Work.Prepared) await ExchangeAsync(Join(Parse("s", Sql), Sync), [.. parsed, .. ready], 1);
    }

    [GlobalCleanup]
    public void Cleanup() => CleanupAsync().GetAwaiter().GetResult();

    private async Task CleanupAsync()
    {
        _client.Dispose();
        await _world.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Rounds)]
    public Task<int> Request_and_reply() => ExchangeAsync(_request, _reply, Rounds);

    private Task<int> ExchangeAsync(byte[] request, byte[] reply, int rounds) => _world.OnSessionAsync(session =>
    {
        for (int i = 0; i < rounds; i++)
        {
            ((IConnectionHandler)session).OnBytes(request);
            ServerConnection server = session.Server ?? throw new InvalidOperationException("the session has no server");
            server.OnBytes(reply);
            if (session.Server is not null) throw new InvalidOperationException("the server was not given back");
        }
        return rounds;
    });

    private static byte[][] Times(int count, byte[] bytes) => [.. Enumerable.Repeat(bytes, count)];

    private static byte[] Message(BackendMessage type, ReadOnlySpan<byte> body)
    {
        FrameWriter writer = new();
        int mark = writer.Begin(type);
        writer.WriteBytes(body);
        writer.End(mark);
        return writer.WrittenSpan.ToArray();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_link")]
    private static extern ref TransportConnection LinkOf(ClientSession session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_link")]
    private static extern ref TransportConnection LinkOf(ServerConnection server);

    /// <summary>Takes every byte at once and brings none.</summary>
    private sealed class Sink(TransportConnection behind) : TransportConnection
    {
        public override Reactor Reactor => behind.Reactor;

        public override EndPoint RemoteEndPoint => behind.RemoteEndPoint;

        public override int QueuedBytes => 0;

        public override bool IsClosed => false;

        public override IDuplexPipe Pipe => behind.Pipe;

        public override bool ReadsToEnd { get; set; }

        public override void SetHandler(IConnectionHandler handler) => throw new NotSupportedException();

        public override bool Send(ReadOnlySpan<byte> bytes) => true;

        public override void PauseReading()
        {
        }

        public override void ResumeReading()
        {
        }

        public override void FinishSending()
        {
        }

        public override void Close(TimeSpan deadline) => behind.Close(deadline);

        public override void Abort() => behind.Abort();

        public override void MoveTo(Reactor target, Action<TransportConnection> arrived) => throw new NotSupportedException();
    }
}
