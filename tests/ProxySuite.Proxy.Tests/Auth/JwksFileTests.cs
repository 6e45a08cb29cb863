using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ProxySuite.Proxy.Options.Jwt;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class JwksFileTests : IDisposable
{
    private readonly TestTokens _tokens = new();
    private readonly List<string> _problems = [];

    public void Dispose() => _tokens.Dispose();

    private JwkSet Parse(string json) => JwksFile.Parse(Encoding.UTF8.GetBytes(json), _problems.Add);

    private string ProblemOf(JsonObject key)
    {
        Parse(TestTokens.Set(key));
        return Assert.Single(_problems);
    }

    [Fact]
    public void Keys_of_the_three_kinds_are_found_by_their_name()
    {
        JwkSet keys = Parse(_tokens.Jwks());
        Assert.Empty(_problems);
        Assert.Equal(("RS256", "ES256", "HS256", null), (keys.Find("rsa")?.Algorithm, keys.Find("ec")?.Algorithm, keys.Find("hmac")?.Algorithm, keys.Find("RSA")?.Algorithm));
    }

    [Theory]
    [InlineData("use", "enc")]
    [InlineData("kty", "OKP")]
    [InlineData("alg", "RS512")]
    [InlineData("alg", "none")]
    [InlineData("alg", "HS256")]
    public void Keys_for_something_else_are_passed_over(string member, string value)
    {
        JsonObject other = _tokens.RsaKey("other");
        other[member] = value;
        JwkSet keys = Parse(TestTokens.Set(other, _tokens.EcKey("ec")));
        Assert.Empty(_problems);
        Assert.Equal(1, keys.Count);
        Assert.Null(keys.Find("other"));
    }

    [Fact]
    public void A_set_without_a_key_of_use_is_refused()
    {
        JsonObject other = _tokens.EcKey("ec");
        other["crv"] = "P-521";
        Assert.Equal("holds no key for RS256, ES256 or HS256, so no token could be valid", ProblemOf(other));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    public void A_short_secret_is_refused(int bytes)
        => Assert.Equal($"keys[0]: the secret has {bytes} bytes; HS256 needs 32 at least", ProblemOf(TestTokens.HmacKey("short", new byte[bytes])));

    [Fact]
    public void A_short_RSA_key_is_refused()
    {
        using RSA small = RSA.Create(1024);
        Assert.Equal("keys[0]: the key has 1024 bits; 2048 to 8192 are allowed", ProblemOf(TestTokens.RsaKey("small", small)));
    }

    [Fact]
    public void A_private_key_is_refused_and_its_bytes_are_not_repeated()
    {
        JsonObject key = _tokens.RsaKey("rsa");
        string secret = Base64Url.EncodeToString(_tokens.Rsa.ExportParameters(true).D);
        key["d"] = secret;
        string problem = ProblemOf(key);
        Assert.Equal("keys[0]: holds a private key; only the public one belongs here", problem);
    }

    [Fact]
    public void A_point_that_is_not_on_the_curve_is_refused()
    {
        JsonObject key = _tokens.EcKey("ec");
        key["y"] = Base64Url.EncodeToString(new byte[32]);
        Assert.StartsWith("keys[0]: ", ProblemOf(key), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kid", null, "keys[0]: has no kid, by which tokens choose their key")]
    [InlineData("kid", "", "keys[0]: has no kid, by which tokens choose their key")]
    [InlineData("n", null, "keys[0]: has no n")]
    [InlineData("n", "a+b=", "keys[0]: n is not base64url")]
    public void A_key_that_is_not_whole_is_refused(string member, string? value, string problem)
    {
        JsonObject key = _tokens.RsaKey("rsa");
        key.Remove(member);
        if (value is not null) key[member] = value;
        Assert.Equal(problem, ProblemOf(key));
    }

    [Fact]
    public void Two_keys_of_one_name_are_refused()
    {
        Parse(TestTokens.Set(_tokens.RsaKey("a"), _tokens.EcKey("a")));
        Assert.Equal("keys[1]: there are two keys \"a\"", Assert.Single(_problems));
    }

    [Theory]
    [InlineData("", "line 1: not JSON")]
    [InlineData("{ \"keys\": [] ", "line 1: not JSON")]
    [InlineData("{ \"keys\": [], \"keys\": [] }", "not JSON, or a member is there twice")]
    [InlineData("[]", "is no JSON Web Key Set: an object with a member \"keys\" that is a list")]
    [InlineData("{ \"keys\": {} }", "is no JSON Web Key Set: an object with a member \"keys\" that is a list")]
    [InlineData("{ \"keys\": [ 1 ] }", "keys[0]: is no object")]
    [InlineData("{ \"keys\": [ { \"kty\": 1 } ] }", "keys[0]: kty is not text")]
    [InlineData("{ \"keys\": [] }", "holds no key for RS256, ES256 or HS256, so no token could be valid")]
    public void What_is_no_key_set_is_refused(string json, string problem)
    {
        Parse(json);
        Assert.Equal(problem, Assert.Single(_problems));
    }
}
