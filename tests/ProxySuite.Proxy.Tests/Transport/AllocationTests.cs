using System.Net.Sockets;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Loop;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(Network.Tcp)]
    [InlineData(Network.Unix)]
    public async Task Receiving_keeping_a_rest_sending_and_arming_a_deadline_allocate_nothing(Network network)
    {
        await using TransportWorld world = TransportWorld.Start(TransportKind.Epoll, network);
        var handler = new Echo();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync();
        using (peer)
        {
            await world.RunAsync(() => handler.Take(connection));
            byte[] query = new byte[300];
            byte[] answer = new byte[300];
            for (int i = 0; i < 2_000; i++)
            {
                // In two pieces, so that a rest is kept and shown again.
                peer.Send(query, 0, 100, SocketFlags.None);
                if (i % 10 == 0)
                    Thread.Sleep(1);
                peer.Send(query, 100, 200, SocketFlags.None);
                for (int filled = 0; filled < answer.Length;)
                    filled += peer.Receive(answer, filled, answer.Length - filled, SocketFlags.None);
            }
            // Measured from one call of the handler to a later one: all that the loop does lies between.
            Assert.True(handler.CallsMeasured >= 1_000);
            Assert.Equal(0, handler.AllocatedBytes);
            await world.RunAsync(connection.Abort);
        }
    }

    [Theory]
    [InlineData(Network.Tcp)]
    [InlineData(Network.Unix)]
    public async Task Queueing_for_a_slow_peer_allocates_nothing_once_the_pool_is_filled(Network network)
    {
        await using TransportWorld world = TransportWorld.Start(TransportKind.Epoll, network);
        var flood = new Flood();
        (Socket peer, TransportConnection connection) = await world.ConnectAsync(p => p.ReceiveBufferSize = 16 * 1024);
        using (peer)
        {
            await world.RunAsync(() => flood.Take(connection));
            byte[] buffer = new byte[256 * 1024];
            while (!Volatile.Read(ref flood.IsDone))
                Assert.True(peer.Receive(buffer) > 0);
            Assert.Equal(0, flood.AllocatedBytes);
            await world.RunAsync(connection.Abort);
        }
    }

    private sealed class Echo : IConnectionHandler
    {
        private const int WarmUp = 500;
        private readonly WheelTimer _deadline = new(static _ => { }, null);
        private TransportConnection _connection = null!;
        private int _calls;
        private long _start;

        public long AllocatedBytes { get; private set; } = -1;

        public int CallsMeasured => _calls - WarmUp;

        public void Take(TransportConnection connection)
        {
            _connection = connection;
            connection.SetHandler(this);
        }

        public Consumed OnBytes(ReadOnlySpan<byte> received)
        {
            if (++_calls == WarmUp)
                _start = GC.GetAllocatedBytesForCurrentThread();
            else if (_calls > WarmUp)
                AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _start;
            if (received.Length < 300)
                return new Consumed(0, KeepReading: true);
            _connection.Reactor.Timers.Arm(_deadline, TimeSpan.FromSeconds(30));
            return new Consumed(received.Length, _connection.Send(received));
        }

        public void OnDrained() => _connection.ResumeReading();

        public void OnClosed(CloseCause cause)
        {
        }
    }

    /// <summary>Sends a buffer whenever the last has left; each is more than a small socket buffer takes at once.</summary>
    private sealed class Flood : IConnectionHandler
    {
        private const int WarmUp = 50;
        private const int Rounds = 250;
        private readonly byte[] _bytes = new byte[8_000_000];
        private TransportConnection _connection = null!;
        private int _drained;
        private long _start;

        public bool IsDone;

        public long AllocatedBytes { get; private set; } = -1;

        public void Take(TransportConnection connection)
        {
            _connection = connection;
            connection.SetHandler(this);
            // What is left over differs in size from time to time: a chunk of each class is there from the start.
            ChunkPool pool = ((LoopReactor)connection.Reactor).Chunks;
            Chunk[] chunks = [pool.Rent(1_000), pool.Rent(4_000), pool.Rent(16_000), pool.Rent(64_000), pool.Rent(64_000)];
            foreach (Chunk chunk in chunks)
                pool.Return(chunk);
            Assert.False(connection.Send(_bytes));
        }

        public Consumed OnBytes(ReadOnlySpan<byte> received) => new(received.Length, true);

        public void OnDrained()
        {
            _drained++;
            if (_drained == WarmUp)
                _start = GC.GetAllocatedBytesForCurrentThread();
            if (_drained == Rounds)
            {
                AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _start;
                Volatile.Write(ref IsDone, true);
            }
            // As a relay does: what the peer takes at once, and one receive buffer more.
            while (!_connection.IsClosed && _connection.Send(_bytes.AsSpan(0, TransportConnection.ReceiveSize)))
            {
            }
        }

        public void OnClosed(CloseCause cause)
        {
        }
    }
}
