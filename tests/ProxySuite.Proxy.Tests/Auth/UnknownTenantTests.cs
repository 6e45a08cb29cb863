using System.Diagnostics;
using System.Globalization;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

/// <summary>Logins to a tenant that does not exist, many at once: the registry hears of one. <c>bench/load/lookup/run.sh</c> prints it.</summary>
public sealed class UnknownTenantTests
{
    private const int Logins = 400;

    [Theory, InlineData(false), InlineData(true)]
    public async Task Hundreds_of_logins_at_once_for_one_unknown_tenant_make_one_look_up(bool isSlow)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (isSlow) world.Registry.Gate = gate.Task;
        int before = world.Registry.Questions;
        long start = Stopwatch.GetTimestamp();
        Task<string>[] logins = [.. Enumerable.Range(0, Logins).Select(_ => LoginAsync(world))];
        if (isSlow)
        {
            while (world.Registry.Questions == before) await Task.Delay(5);
            await Task.Delay(200);
            gate.SetResult();
        }
        // The same answer as for a wrong password.
        Assert.All(await Task.WhenAll(logins), state => Assert.Equal("28P01", state));
        int asked = world.Registry.Questions - before;
        Assert.Equal(1, asked);
        if (Environment.GetEnvironmentVariable("LOOKUP_REPORT") is not { Length: > 0 } report) return;
        await File.AppendAllLinesAsync(report, [string.Create(CultureInfo.InvariantCulture,
            $"{$"{Logins} logins over the wire, one unknown slug, registry {(isSlow ? "held up for 200 ms" : "at ease")}",-80} {asked} look-up   promised 1   ({Stopwatch.GetElapsedTime(start).TotalMilliseconds,6:F1} ms for all)")]);
    }

    private static async Task<string> LoginAsync(ProxyWorld world)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? refused = await client.TryLoginAsync("app", "nobody-here", "a password");
        return refused?.SqlState ?? "";
    }
}
