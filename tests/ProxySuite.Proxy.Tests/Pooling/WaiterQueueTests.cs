using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

public sealed class WaiterQueueTests
{
    private readonly WaiterQueue _queue = new();

    [Fact]
    public void First_come_first_served()
    {
        Waiter[] waiters = [.. Enumerable.Range(0, 5).Select(_ => new Waiter())];
        foreach (Waiter waiter in waiters) _queue.Add(waiter);
        Assert.Equal(waiters, Drain());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void Whoever_leaves_leaves_the_others_in_order(int leaving)
    {
        Waiter[] waiters = [.. Enumerable.Range(0, 5).Select(_ => new Waiter())];
        foreach (Waiter waiter in waiters) _queue.Add(waiter);
        Assert.True(_queue.Remove(waiters[leaving]));
        Assert.Equal(4, _queue.Count);
        Assert.Equal(waiters.Where((_, i) => i != leaving), Drain());
    }

    [Fact]
    public void Only_one_of_two_who_take_a_waiter_out_has_it()
    {
        var waiter = new Waiter();
        _queue.Add(waiter);
        Assert.True(_queue.Remove(waiter));
        Assert.False(_queue.Remove(waiter));
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public void Nobody_stands_in_line_twice()
    {
        var waiter = new Waiter();
        _queue.Add(waiter);
        Assert.Throws<InvalidOperationException>(() => _queue.Add(waiter));
    }

    [Fact]
    public void Any_coming_and_going_keeps_the_order_of_arrival()
    {
        var random = new Random(1);
        var model = new List<Waiter>();
        for (int i = 0; i < 20_000; i++)
        {
            if (model.Count == 0 || random.Next(2) == 0)
            {
                var waiter = new Waiter();
                _queue.Add(waiter);
                model.Add(waiter);
            }
            else
            {
                int at = random.Next(3) == 0 ? 0 : random.Next(model.Count);
                Assert.True(_queue.Remove(model[at]));
                model.RemoveAt(at);
            }
            Assert.Equal(model.Count, _queue.Count);
            Assert.Same(model.FirstOrDefault(), _queue.First);
        }
        Assert.Equal(model, Drain());
    }

    private List<Waiter> Drain()
    {
        var order = new List<Waiter>();
        while (_queue.First is Waiter first)
        {
            order.Add(first);
            _queue.Remove(first);
        }
        Assert.Equal(0, _queue.Count);
        return order;
    }

    private sealed class Waiter : PoolWaiter
    {
        internal override void OnPoolReplaced(TenantPool successor) => throw new InvalidOperationException("not part of these tests");

        internal override void OnServerLent(ServerConnection server)
        {
        }

        internal override void OnWaitFailed(PgError error)
        {
        }
    }
}
