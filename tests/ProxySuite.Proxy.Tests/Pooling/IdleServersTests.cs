using System.Runtime.CompilerServices;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

public sealed class IdleServersTests
{
    private readonly IdleServers _idle = new();

    [Fact]
    public void The_newest_or_the_oldest_is_taken_as_asked()
    {
        ServerConnection[] servers = Add(3);
        Assert.Same(servers[0], _idle.PeekOldest());
        Assert.Same(servers[2], _idle.TakeNewest());
        Assert.Same(servers[0], _idle.TakeOldest());
        Assert.Same(servers[1], _idle.TakeOldest());
        Assert.Null(_idle.TakeNewest());
        Assert.Null(_idle.TakeOldest());
        Assert.Null(_idle.PeekOldest());
    }

    [Fact]
    public void One_that_is_not_there_cannot_be_taken_out()
    {
        Add(2);
        Assert.False(_idle.Remove(Make()));
        Assert.Equal(2, _idle.Count);
    }

    [Fact]
    public void Any_use_keeps_the_order_of_last_use()
    {
        var random = new Random(2);
        var model = new List<ServerConnection>();
        for (int i = 0; i < 20_000; i++)
        {
            switch (random.Next(model.Count == 0 ? 1 : 6))
            {
                case 0 or 1:
                    model.Add(Add(1)[0]);
                    break;
                case 2 or 3:
                    Assert.Same(model[^1], _idle.TakeNewest());
                    model.RemoveAt(model.Count - 1);
                    break;
                case 4:
                    Assert.Same(model[0], _idle.TakeOldest());
                    model.RemoveAt(0);
                    break;
                default:
                    int at = random.Next(model.Count);
                    Assert.True(_idle.Remove(model[at]));
                    model.RemoveAt(at);
                    break;
            }
            Assert.Equal(model.Count, _idle.Count);
            Assert.Same(model.FirstOrDefault(), _idle.PeekOldest());
        }
    }

    private ServerConnection[] Add(int count)
    {
        ServerConnection[] servers = [.. Enumerable.Range(0, count).Select(_ => Make())];
        foreach (ServerConnection server in servers) _idle.Add(server);
        return servers;
    }

    // Only who it is matters here; a real one needs a socket.
    private static ServerConnection Make() => (ServerConnection)RuntimeHelpers.GetUninitializedObject(typeof(ServerConnection));
}
