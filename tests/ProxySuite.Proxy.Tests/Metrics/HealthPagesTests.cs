using System.Text.Json;
using ProxySuite.Proxy.Listening;
using Xunit;

namespace ProxySuite.Proxy.Tests.Metrics;

public sealed class HealthPagesTests : IAsyncDisposable
{
    private readonly MetricsWorld _world = new();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    private async Task<(bool IsGood, string Status, string? Reason)> ReadyAsync(ServerPhase phase, bool reachable = true, bool known = true, bool isDown = false)
    {
        _world.Server.Health = new ServerHealth(phase, reachable, known, Clients: 3);
        _world.Registry.IsDown = isDown;
        return Read(await _world.Health.ReadyAsync());
    }

    private async Task<(bool IsGood, string Status, string? Reason)> LiveAsync(ServerPhase phase, bool reactorsAnswer = true)
    {
        _world.Server.Health = new ServerHealth(phase, RegistryReachable: false, RegistryKnown: false, Clients: 3);
        _world.Server.ReactorsAnswer = reactorsAnswer;
        return Read(await _world.Health.LiveAsync(CancellationToken.None));
    }

    private static (bool IsGood, string Status, string? Reason) Read(HealthAnswer answer)
    {
        using var json = JsonDocument.Parse(answer.Json);
        Assert.Equal(3, json.RootElement.GetProperty("clients").GetInt64());
        return (answer.IsGood, json.RootElement.GetProperty("status").GetString()!,
            json.RootElement.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null);
    }

    [Fact]
    public async Task Ready_means_accepting_with_a_registry() => Assert.Equal((true, "ready", null), await ReadyAsync(ServerPhase.Accepting));

    [Theory]
    [InlineData(ServerPhase.Starting, "starting")]
    [InlineData(ServerPhase.Draining, "draining")]
    [InlineData(ServerPhase.Stopped, "stopped")]
    public async Task Before_and_after_accepting_it_is_not_ready(ServerPhase phase, string reason)
        => Assert.Equal((false, "not ready", reason), await ReadyAsync(phase));

    [Fact]
    public async Task A_registry_that_is_away_leaves_it_ready_for_known_tenants()
        => Assert.Equal((true, "degraded", "the registry cannot be reached; known tenants are served"), await ReadyAsync(ServerPhase.Accepting, reachable: false, isDown: true));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_registry_and_without_known_tenants_it_is_not_ready_whatever_it_last_heard(bool reachable)
        => Assert.Equal((false, "not ready", "the registry cannot be reached and no tenant is known"),
            await ReadyAsync(ServerPhase.Accepting, reachable, known: false, isDown: true));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_registry_that_is_back_makes_it_ready_before_any_client_has_asked(bool known)
        => Assert.Equal((true, "ready", null), await ReadyAsync(ServerPhase.Accepting, reachable: false, known));

    [Theory]
    [InlineData(ServerPhase.Starting)]
    [InlineData(ServerPhase.Accepting)]
    [InlineData(ServerPhase.Draining)]
    public async Task It_lives_while_it_starts_serves_and_drains_also_without_a_registry(ServerPhase phase) => Assert.Equal((true, "ok", null), await LiveAsync(phase));

    [Theory]
    [InlineData(ServerPhase.Accepting)]
    [InlineData(ServerPhase.Draining)]
    public async Task A_stuck_reactor_is_fatal(ServerPhase phase)
        => Assert.Equal((false, "failing", "a reactor has not answered for 2 s"), await LiveAsync(phase, reactorsAnswer: false));
}
