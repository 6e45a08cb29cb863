using System.Collections.Frozen;
using System.Globalization;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class Md5LoginTests
{
    /// <summary>A world whose tenant acme has user "old" with an md5 hash beside those with SCRAM verifiers.</summary>
    private static async Task<ProxyWorld> StartAsync(string rules)
    {
        HostRules parsed = HbaFile.Parse(rules, (line, reason) => Assert.Fail($"line {line}: {reason}"));
        ProxyWorld world = await ProxyWorld.StartAsync(configure: options => options with { Auth = options.Auth with { HostRules = parsed, FailuresMax = 1000 } });
        TenantEntry entry = world.Registry["acme"];
        var old = new TenantUser("old", UserRole.App, Md5Verifier.Create("old", "tricky"))
        {
            Previous = Md5Verifier.Create("old", "trickier"),
            PreviousUntil = DateTimeOffset.MaxValue,
        };
        var users = entry.Tenant.Users.Append(new("old", old)).ToFrozenDictionary(user => user.Key, user => user.Value);
        world.Registry.Put(entry with { Tenant = entry.Tenant with { Users = users } });
        return world;
    }

    private static async Task<(PgError? Error, string Asked)> LoginAsync(ProxyWorld world, string user, string password, string tenant = "acme")
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? error = await client.TryLoginAsync(user, tenant, password);
        string asked = client.Transcript.Lines.First(line => line.StartsWith("B Authentication", StringComparison.Ordinal));
        return (error, asked.Contains("MD5", StringComparison.Ordinal) ? "md5" : "scram");
    }

    [Fact]
    public async Task Under_md5_each_user_is_asked_for_what_is_stored()
    {
        await using ProxyWorld world = await StartAsync("host all all all md5");
        Assert.Equal((null, "md5"), await LoginAsync(world, "old", "tricky"));
        Assert.Equal((null, "scram"), await LoginAsync(world, "app", ProxyWorld.Password));
        Assert.Equal((ProxyErrors.LoginFailed("old"), "md5"), await LoginAsync(world, "old", "wrong"));
        Assert.Equal((ProxyErrors.LoginFailed("app"), "scram"), await LoginAsync(world, "app", "wrong"));
    }

    [Fact]
    public async Task The_password_before_counts_as_long_as_it_does()
    {
        await using ProxyWorld world = await StartAsync("host all all all md5");
        Assert.Equal((null, "md5"), await LoginAsync(world, "old", "trickier"));
    }

    [Fact]
    public async Task Under_scram_an_md5_hash_is_no_password()
    {
        await using ProxyWorld world = await StartAsync("host all all all scram-sha-256");
        Assert.Equal((ProxyErrors.LoginFailed("old"), "scram"), await LoginAsync(world, "old", "tricky"));
    }

    [Fact]
    public async Task Names_that_do_not_exist_are_asked_for_either_and_always_for_the_same()
    {
        await using ProxyWorld world = await StartAsync("host all all all md5");
        var asked = new List<string>();
        for (int i = 0; i < 24; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"nobody{i}");
            (PgError? error, string first) = await LoginAsync(world, name, "wrong");
            Assert.Equal(ProxyErrors.LoginFailed(name), error);
            if (i < 4) Assert.Equal(first, (await LoginAsync(world, name, "")).Asked);
            asked.Add(first);
        }
        Assert.Contains("md5", asked); // by chance not so once in 2^24 keys, and the key is fixed
        Assert.Contains("scram", asked);
    }

    [Theory]
    [InlineData("md5")]
    [InlineData("md5d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("")]
    public async Task An_answer_that_was_made_up_is_refused(string answer)
    {
        await using ProxyWorld world = await StartAsync("host all all all md5");
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.SendAsync(FrontendBytes.Startup("old", "acme"));
        await client.NextAsync();
        await client.SendAsync(FrontendBytes.Password(answer));
        Assert.Contains("28P01", (await client.NextAsync())!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_heard_before_is_worth_nothing()
    {
        await using ProxyWorld world = await StartAsync("host all all all md5");
        byte[] heard;
        using (RawClient client = await RawClient.ConnectAsync(world.Port))
        {
            await client.SendAsync(FrontendBytes.Startup("old", "acme"));
            byte[] salt = (await client.NextAsync())!.Body[4..8].ToArray();
            heard = FrontendBytes.Password(Md5Password.Answer(Md5Password.Hash("old", "tricky"), salt));
            await client.SendAsync(heard);
            Assert.Equal('R', (await client.NextAsync())!.Type);
        }
        using RawClient other = await RawClient.ConnectAsync(world.Port);
        await other.SendAsync(FrontendBytes.Startup("old", "acme"));
        await other.NextAsync();
        await other.SendAsync(heard);
        Assert.Contains("28P01", (await other.NextAsync())!.ToString(), StringComparison.Ordinal);
    }
}
