using System.Text;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>Whoever guesses names learns nothing (A2): the whole exchange is the same for an unknown tenant, an unknown user and a wrong password.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class GuessingTests(ProxydWorld world)
{
    /// <summary>What a guesser sees: a line a message with type, size, and all content that does not come from chance; and the salt.</summary>
    private sealed record Seen(string Exchange, string Salt);

    [Fact]
    public async Task Unknown_tenant_unknown_user_and_wrong_password_are_one_exchange_to_the_byte()
    {
        // Names of one length, so that sizes can be compared: the answer repeats the user's name.
        Seen wrongPassword = await GuessAsync("app", "acme");
        Seen unknownUser = await GuessAsync("xyz", "acme");
        Seen unknownTenant = await GuessAsync("app", "nope");
        Seen notATenantName = await GuessAsync("app", "A/C!");
        Seen rightPasswordElsewhere = await GuessAsync("app", "nope", ProxydWorld.Password);
        Assert.Equal(
            """
            B R 19 AuthenticationSASL SCRAM-SHA-256
            B R 88 AuthenticationSASLContinue r(24+24) s(16) i=4096
            B E SFATAL VFATAL C28P01 Mpassword authentication failed for user "app" HCheck user, password and the tenant, which the database name or "user.tenant" names.
            closed
            """, wrongPassword.Exchange);
        Assert.Equal(wrongPassword.Exchange.Replace("\"app\"", "\"xyz\"", StringComparison.Ordinal), unknownUser.Exchange);
        Assert.Equal(wrongPassword.Exchange, unknownTenant.Exchange);
        Assert.Equal(wrongPassword.Exchange, notATenantName.Exchange);
        Assert.Equal(wrongPassword.Exchange, rightPasswordElsewhere.Exchange);
    }

    [Theory]
    [InlineData("app", "acme")]
    [InlineData("xyz", "acme")]
    [InlineData("app", "nope")]
    public async Task The_salt_of_a_name_stays_the_same_whether_it_exists_or_not_and_on_every_proxy(string user, string tenant)
    {
        string first = (await GuessAsync(user, tenant)).Salt;
        Assert.Equal(first, (await GuessAsync(user, tenant)).Salt);
        await using Proxyd other = await world.StartProxydAsync();
        Assert.Equal(first, (await GuessAsync(user, tenant, proxyd: other)).Salt);
    }

    [Fact]
    public async Task Salts_of_different_names_differ()
    {
        (string User, string Tenant)[] names = [("app", "acme"), ("app", "umbrella"), ("xyz", "acme"), ("abc", "acme"), ("app", "nope"), ("app", "none")];
        List<string> salts = [];
        foreach ((string user, string tenant) in names) salts.Add((await GuessAsync(user, tenant)).Salt);
        Assert.Equal(names.Length, salts.Distinct().Count());
    }

    [Fact]
    public async Task A_suspended_tenant_is_told_so_only_to_those_who_know_a_password()
    {
        TestTenant closed = await world.CreateTenantAsync("shut", "free", "schema", "s1");
        await world.ProxyctlAsync("tenant", "suspend", "shut");
        using RawClient user = await world.Proxyd.ConnectRawAsync();
        Assert.Equal("28000", (await user.TryLoginAsync("app", closed.Slug, ProxydWorld.Password))?.SqlState);
        Assert.Equal((await GuessAsync("app", "nope")).Exchange, (await GuessAsync("app", "shut")).Exchange);
    }

    private async Task<Seen> GuessAsync(string user, string tenant, string password = "not the password", Proxyd? proxyd = null)
    {
        using RawClient client = await (proxyd ?? world.Proxyd).ConnectRawAsync();
        var seen = new List<string>();
        string salt = "";
        var scram = new ScramClient(password);
        string clientNonce = Encoding.ASCII.GetString(scram.Start()).Split("r=")[1];
        await client.SendAsync(FrontendBytes.Startup(user, tenant));
        while (await client.NextAsync() is { } message)
        {
            if (message.Type == 'E')
            {
                seen.Add($"B E {string.Join(' ', Encoding.UTF8.GetString(message.Body).Split('\0', StringSplitOptions.RemoveEmptyEntries))}");
                continue;
            }
            Authentication authentication = Authentication.Read(message.Body);
            string data = Encoding.ASCII.GetString(authentication.Data);
            if (authentication.Kind == AuthenticationKind.SASL)
            {
                seen.Add($"B R {message.Body.Length} AuthenticationSASL {data.Replace("\0", " ", StringComparison.Ordinal).Trim()}");
                await client.SendAsync(Sasl(SASLInitial(scram.Start())));
                continue;
            }
            string[] parts = data.Split(',');
            salt = parts[1][2..];
            seen.Add($"B R {message.Body.Length} AuthenticationSASLContinue r({clientNonce.Length}+{parts[0].Length - 2 - clientNonce.Length}) s({Convert.FromBase64String(salt).Length}) {parts[2]}");
            Assert.True(scram.TryAnswer(authentication.Data, out byte[]? final));
            await client.SendAsync(Sasl(final));
        }
        seen.Add(client.Wire.Ending == Ending.Closed ? "closed" : "reset");
        return new Seen(string.Join('\n', seen), salt);
    }

    // SASLInitialResponse: mechanism, length, data (protocol-message-formats).
    private static byte[] SASLInitial(byte[] data) => [.. "SCRAM-SHA-256\0"u8, 0, 0, 0, (byte)data.Length, .. data];

    private static byte[] Sasl(byte[] body) => [(byte)'p', 0, 0, 0, (byte)(body.Length + 4), .. body];
}
