using System.Collections.Frozen;
using System.Text;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

/// <summary>What a login says of users who do not exist, or are no longer valid: nothing.</summary>
public sealed class MockLoginTests
{
    /// <summary>Salt and rounds that a login is asked to use, such as <c>s=…,i=4096</c>.</summary>
    private static async Task<string> ChallengeAsync(ProxyWorld world, string tenant, string user)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.SendAsync(FrontendBytes.Startup(user, tenant));
        WireMessage offer = (await client.NextAsync())!;
        Assert.Equal("SCRAM-SHA-256\0", Encoding.ASCII.GetString(Authentication.Read(offer.Body).Data));
        var scram = new ScramClient("whatever");
        await client.SendAsync(FrontendBytes.Make(to => SASLInitialResponse.Write(to, Authentication.ScramSha256, scram.Start())));
        WireMessage answer = (await client.NextAsync())!;
        string serverFirst = Encoding.ASCII.GetString(Authentication.Read(answer.Body).Data);
        return serverFirst[(serverFirst.IndexOf(",s=", StringComparison.Ordinal) + 1)..];
    }

    private static void SetEnd(ProxyWorld world, DateTimeOffset end)
    {
        TenantEntry entry = world.Registry["acme"];
        var users = entry.Tenant.Users.ToFrozenDictionary(user => user.Key, user => user.Value with { ValidUntil = end });
        world.Registry.Put(entry with { Tenant = entry.Tenant with { Users = users } });
    }

    [Theory]
    [InlineData("acme", "nobody")]
    [InlineData("none", "app")]
    [InlineData("Not A Slug", "app")]
    public async Task The_salt_of_a_name_that_does_not_exist_stays_the_same_also_on_another_proxy(string tenant, string user)
    {
        await using ProxyWorld first = await ProxyWorld.StartAsync();
        await using ProxyWorld second = await ProxyWorld.StartAsync();
        string challenge = await ChallengeAsync(first, tenant, user);
        Assert.Equal(challenge, await ChallengeAsync(first, tenant, user));
        Assert.Equal(challenge, await ChallengeAsync(second, tenant, user));
    }

    [Fact]
    public async Task It_differs_from_name_to_name_and_has_the_form_of_real_ones()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        string real = await ChallengeAsync(world, "acme", "app");
        string[] all = [real, await ChallengeAsync(world, "acme", "bob"), await ChallengeAsync(world, "acme", "bo"), await ChallengeAsync(world, "globex", "bob"), await ChallengeAsync(world, "none", "bob")];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(all, challenge => Assert.Matches("^s=[A-Za-z0-9+/]{22}==,i=4096$", challenge));
    }

    [Fact]
    public async Task A_user_whose_time_is_over_sees_what_it_saw_before()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        string before = await ChallengeAsync(world, "acme", "app");
        SetEnd(world, DateTimeOffset.UnixEpoch);
        for (PgError? error = null; error is null;)
        {
            using RawClient client = await RawClient.ConnectAsync(world.Port);
            error = await client.TryLoginAsync("app", "acme", ProxyWorld.Password);
        }
        Assert.Equal(before, await ChallengeAsync(world, "acme", "app"));
    }

    [Fact]
    public async Task The_right_password_of_a_user_whose_time_is_over_is_answered_as_a_wrong_one()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Auth = options.Auth with { FailuresMax = 1000 } });
        SetEnd(world, DateTimeOffset.UnixEpoch);
        string right = await TranscriptAsync(world, ProxyWorld.Password);
        Assert.Equal(right, await TranscriptAsync(world, "wrong"));
        Assert.Contains("28P01", right, StringComparison.Ordinal);
        Assert.DoesNotContain("SASLFinal", right, StringComparison.Ordinal);
        SetEnd(world, DateTimeOffset.MaxValue);
        for (int i = 0; (await TranscriptAsync(world, ProxyWorld.Password)).Contains("28P01", StringComparison.Ordinal); i++) Assert.True(i < 1000);
    }

    private static async Task<string> TranscriptAsync(ProxyWorld world, string password)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.TryLoginAsync("app", "acme", password);
        // Nonces and proofs differ each time; their lengths do not.
        return string.Join('\n', client.Transcript.Lines.Select(line => line.Contains("SASL", StringComparison.Ordinal) ? $"{line.Split(' ')[1]} {line.Length}" : line));
    }
}
