using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Loop;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

public sealed class ChunkQueueTests
{
    private readonly TimerWheel _timers = new(0);

    [Fact]
    public void Bytes_leave_in_the_order_they_came_however_they_are_cut()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var pool = new ChunkPool(_timers);
            var queue = new ChunkQueue();
            var expected = new List<byte>();
            var left = new List<byte>();
            for (int step = 0; step < 200; step++)
            {
                byte[] bytes = new byte[random.Next(1 << random.Next(1, 18))];
                random.NextBytes(bytes);
                switch (random.Next(4))
                {
                    case 0:
                        queue.Append(pool, bytes);
                        expected.AddRange(bytes);
                        break;
                    case 1:
                        bytes.CopyTo(queue.Reserve(pool, bytes.Length, 4096));
                        queue.Advance(bytes.Length);
                        expected.AddRange(bytes);
                        break;
                    case 2:
                        var other = new ChunkQueue();
                        other.Append(pool, bytes);
                        queue.Append(ref other);
                        Assert.Equal(0, other.Bytes);
                        expected.AddRange(bytes);
                        break;
                    default:
                        if (queue.Head is { } head)
                        {
                            int length = random.Next(head.Length + 1);
                            left.AddRange(head.Bytes[..length]);
                            queue.Drop(pool, length);
                        }
                        break;
                }
                Assert.Equal(expected.Count - left.Count, queue.Bytes);
            }
            while (queue.Head is { } chunk)
            {
                left.AddRange(chunk.Bytes);
                queue.Drop(pool, chunk.Length);
            }
            Assert.Equal(expected, left);
            Assert.Equal(0, pool.RentedBytes);
        }
    }

    [Fact]
    public void A_chunk_has_the_smallest_size_that_fits_and_is_rented_again()
    {
        var pool = new ChunkPool(_timers);
        Chunk small = pool.Rent(1);
        Assert.Equal(ChunkPool.SizeMin, small.Array.Length);
        Assert.Equal(ChunkPool.SizeMax, pool.Rent(ChunkPool.SizeMax).Array.Length);
        pool.Return(small);
        Assert.Same(small, pool.Rent(ChunkPool.SizeMin));
    }

    [Fact]
    public void A_chunk_above_the_largest_size_is_not_kept()
    {
        var pool = new ChunkPool(_timers);
        pool.Return(pool.Rent(ChunkPool.SizeMax + 1));
        Assert.Equal(0, pool.KeptBytes);
        Assert.Equal(0, pool.RentedBytes);
    }

    [Fact]
    public void What_a_burst_needed_is_bounded_at_once_and_given_back_with_time()
    {
        var pool = new ChunkPool(_timers);
        Chunk[] burst = [.. Enumerable.Range(0, 1000).Select(_ => pool.Rent(ChunkPool.SizeMax))];
        foreach (Chunk chunk in burst)
            pool.Return(chunk);
        Assert.InRange(pool.KeptBytes, 1, 1 << 20);
        for (int second = 1; second <= 120; second++)
            _timers.Advance(second * 1_000);
        Assert.Equal(0, pool.KeptBytes);
        Assert.Equal(0, _timers.ArmedCount); // and an idle reactor sleeps
    }
}
