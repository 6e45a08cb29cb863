using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>What a client is sent at its login is of nobody else (C2).</summary>
public sealed class GreetingTests
{
    /// <summary>A batch that is written anew is put together in memory of the reactor, where the next login of any tenant comes by.</summary>
    [Theory, InlineData("acme"), InlineData("globex")]
    public async Task A_login_gets_no_byte_of_what_another_session_has_sent(string tenant)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient other = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await other.PrepareAsync(server, "s", "SELECT 'a secret'");
        await other.SendAsync(Bind("", "s"), Execute(), Sync);
        for (int i = 0; i < 3; i++) await server.NextAsync();
        await server.AnswerAsync(BindComplete, DataRow("a secret"), CommandComplete("SELECT 1"), ReadyForQuery('I'));
        await other.ReadyAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.LoginAsync("app", tenant, ProxyWorld.Password);
        string[] greeting = [.. client.Transcript.ToString().Split('\n').Where(line => line.StartsWith("B ", StringComparison.Ordinal))];
        Assert.NotEmpty(greeting);
        Assert.All(greeting, line => Assert.True(
            line.StartsWith("B Authentication", StringComparison.Ordinal) || line.StartsWith("B ParameterStatus", StringComparison.Ordinal) || line.StartsWith("B BackendKeyData", StringComparison.Ordinal)
                || line == "B ReadyForQuery I", line));
    }
}
