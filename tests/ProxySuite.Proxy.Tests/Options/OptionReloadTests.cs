using ProxySuite.Proxy.Options;
using Xunit;

namespace ProxySuite.Proxy.Tests.Options;

public sealed class OptionReloadTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_reloadable_key_is_in_force_after_a_reload()
    {
        LoadedOptions running = _world.Load("""{ "Pool": { "MaxWaiters": 1 } }""");
        LoadedOptions next = _world.Load("""{ "Pool": { "MaxWaiters": 2 } }""", running: running);
        Assert.Equal(2, next.Options.Pool.MaxWaiters);
        Assert.Empty(next.NeedRestart);
    }

    [Fact]
    public void A_key_that_needs_a_restart_keeps_its_value_and_is_named()
    {
        LoadedOptions running = _world.Load("""{ "Listen": { "Port": 1111 }, "Limits": { "MaxClients": 5 } }""");
        LoadedOptions next = _world.Load("""{ "Listen": { "Port": 2222 }, "Limits": { "MaxClients": 6 } }""", running: running);
        Assert.Equal(1111, next.Options.Listen.Port);
        Assert.Equal(6, next.Options.Limits.MaxClients);
        Assert.Equal(["Listen:Port"], next.NeedRestart);
    }

    [Fact]
    public void It_is_named_again_at_the_next_reload_until_the_file_agrees_with_the_process()
    {
        LoadedOptions first = _world.Load("""{ "Listen": { "Port": 1111 } }""");
        LoadedOptions second = _world.Load("""{ "Listen": { "Port": 2222 } }""", running: first);
        LoadedOptions third = _world.Load("""{ "Listen": { "Port": 2222 } }""", running: second);
        LoadedOptions fourth = _world.Load("""{ "Listen": { "Port": 1111 } }""", running: third);
        Assert.Equal((1111, 1111, 1111), (second.Options.Listen.Port, third.Options.Listen.Port, fourth.Options.Listen.Port));
        Assert.Equal(["Listen:Port"], third.NeedRestart);
        Assert.Empty(fourth.NeedRestart);
    }

    [Fact]
    public void A_key_that_left_the_file_needs_a_restart_as_well()
    {
        LoadedOptions running = _world.Load("""{ "Listen": { "Port": 1111 } }""");
        LoadedOptions next = _world.Load("{}", running: running);
        Assert.Equal(1111, next.Options.Listen.Port);
        Assert.Equal(["Listen:Port"], next.NeedRestart);
    }

    [Fact]
    public void Whoever_listens_is_told_of_each_swap_with_the_options_then_in_force()
    {
        var current = new CurrentOptions(new ProxyOptions());
        var seen = new List<(int Told, int InForce)>();
        current.Changed += next => seen.Add((next.Pool.MaxWaiters, current.Value.Pool.MaxWaiters));
        current.Swap(new ProxyOptions { Pool = new PoolOptions { MaxWaiters = 1 } });
        current.Swap(new ProxyOptions { Pool = new PoolOptions { MaxWaiters = 2 } });
        Assert.Equal([(1, 1), (2, 2)], seen);
    }
}
