using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class JwtVerifierTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly TestTokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    private JwtClaims Verify(string token, AuthOptions? auth = null) => JwtVerifier.Verify(Encoding.UTF8.GetBytes(token), _tokens.Keys(), auth ?? new AuthOptions(), Now);

    private string Refusal(string token, AuthOptions? auth = null) => Assert.Throws<JwtRefusedException>(() => Verify(token, auth)).Message["token refused: ".Length..];

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public void A_token_signed_by_a_key_of_the_set_is_valid(string algorithm) => Assert.Equal(new JwtClaims("acme", "app", null), Verify(_tokens.Token(algorithm)));

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public void A_token_changed_in_any_of_its_parts_is_not(string algorithm)
    {
        string token = _tokens.Token(algorithm);
        for (int i = 0; i < token.Length; i += 7)
        {
            if (token[i] == '.') continue;
            // The last character of a part may carry bits that mean nothing, which the form below forbids or the bytes do not hold.
            string changed = $"{token[..i]}{(token[i] == 'A' ? 'B' : 'A')}{token[(i + 1)..]}";
            Assert.Throws<JwtRefusedException>(() => Verify(changed));
        }
    }

    [Fact]
    public void Alg_none_is_refused_in_every_spelling()
    {
        foreach (string none in new[] { "none", "None", "NONE", "nOnE", "" })
        {
            foreach (string kid in new[] { "rsa", "ec", "hmac" })
            {
                string payload = TestTokens.Claims().ToJsonString();
                string token = $"{TestTokens.Part($$"""{"alg":"{{none}}","kid":"{{kid}}"}""")}.{TestTokens.Part(payload)}";
                Assert.StartsWith("it says alg ", Refusal(token + "."), StringComparison.Ordinal);
                Assert.StartsWith("it says alg ", Refusal(token + "." + TestTokens.Part("x")), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_public_RSA_key_is_no_HMAC_secret()
    {
        string signed = $"{TestTokens.Part("""{"alg":"HS256","kid":"rsa"}""")}.{TestTokens.Part(TestTokens.Claims().ToJsonString())}";
        foreach (byte[] secret in new[] { Encoding.ASCII.GetBytes(_tokens.Rsa.ExportSubjectPublicKeyInfoPem()), _tokens.Rsa.ExportSubjectPublicKeyInfo(), _tokens.Rsa.ExportParameters(false).Modulus! })
        {
            string token = $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}";
            Assert.Equal("it says alg HS256, and key \"rsa\" is for RS256", Refusal(token));
        }
    }

    [Theory]
    [InlineData("RS256", "hmac", "HS256")]
    [InlineData("RS256", "ec", "ES256")]
    [InlineData("HS256", "ec", "ES256")]
    [InlineData("ES256", "rsa", "RS256")]
    public void A_key_serves_its_own_algorithm_only(string algorithm, string kid, string its)
        => Assert.Equal($"it says alg {algorithm}, and key \"{kid}\" is for {its}", Refusal(_tokens.Token(algorithm, kid: kid)));

    [Fact]
    public void An_unknown_key_is_refused() => Assert.Equal("no key \"other\" in Auth:JwksFile", Refusal(_tokens.Token(kid: "other")));

    [Fact]
    public void A_signature_of_somebody_else_is_refused()
    {
        using var others = new TestTokens();
        foreach (string algorithm in new[] { "RS256", "ES256", "HS256" })
            Assert.StartsWith("the signature is not that of key", Refusal(others.Token(algorithm)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"kid":"hmac"}""", "its header has no alg")]
    [InlineData("""{"alg":"HS256"}""", "its header has no kid")]
    [InlineData("""{"alg":1,"kid":"hmac"}""", "alg is not text")]
    [InlineData("""{"alg":"HS256","kid":"hmac","crit":["exp"]}""", "it demands an extension (crit)")]
    [InlineData("""{"alg":"HS256","kid":"hmac","alg":"none"}""", "its header is no JSON object, or a member is there twice")]
    [InlineData("""["HS256"]""", "its header is no JSON object, or a member is there twice")]
    [InlineData("{", "its header is no JSON object, or a member is there twice")]
    [InlineData("""{"alg":"HS256","kid":"\ud800"}""", "kid is not UTF-8")]
    public void A_header_with_anything_unclear_is_refused(string header, string reason)
        => Assert.Equal(reason, Refusal(_tokens.Sign("HS256", TestTokens.Claims().ToJsonString(), header: header)));

    [Fact]
    public void A_key_in_the_header_is_not_taken()
    {
        using var others = new TestTokens();
        string header = new JsonObject { ["alg"] = "RS256", ["kid"] = "rsa", ["jwk"] = others.RsaKey("rsa"), ["jku"] = "https://attacker.example/jwks" }.ToJsonString();
        Assert.StartsWith("the signature is not", Refusal(others.Sign("RS256", TestTokens.Claims().ToJsonString(), header: header)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("secret")]
    public void What_is_no_token_is_refused(string text) => Assert.Throws<JwtRefusedException>(() => Verify(text));

    [Fact]
    public void Padding_blanks_and_other_alphabets_are_refused()
    {
        string token = _tokens.Token("HS256");
        foreach (string wrong in new[] { token + "=", token + " ", " " + token, token.Insert(10, "\n"), token.Replace('.', '+'), token + "\0", token + "é" })
            Assert.Throws<JwtRefusedException>(() => Verify(wrong));
    }

    [Fact]
    public void A_token_beyond_the_bound_is_refused_unread()
        => Assert.Equal("larger than 8192 bytes", Refusal(_tokens.Token("HS256", claims => claims["more"] = new string('x', 8192))));

    [Theory]
    [InlineData("exp", -29, true)]
    [InlineData("exp", -31, false)]
    [InlineData("nbf", 29, true)]
    [InlineData("nbf", 31, false)]
    public void Time_is_kept_within_the_clock_skew(string claim, int seconds, bool isValid)
    {
        string token = _tokens.Token("HS256", claims => claims[claim] = (Now.ToUnixTimeMilliseconds() / 1000.0) + seconds);
        if (isValid) Verify(token);
        else Assert.Equal(claim == "exp" ? "it has expired (exp)" : "it is not valid yet (nbf)", Refusal(token));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"9999999999\"")]
    [InlineData("1e999")]
    [InlineData("[9999999999]")]
    [InlineData("true")]
    public void An_end_that_is_no_number_is_no_end(string value)
        => Assert.Equal("exp is not a number", Refusal(_tokens.Sign("HS256", $$"""{"sub":"app","tenant":"acme","exp":{{value}}}""")));

    [Fact]
    public void A_token_without_an_end_is_refused() => Assert.Equal("it has no end (exp)", Refusal(_tokens.Token("HS256", claims => claims.Remove("exp"))));

    [Theory]
    [InlineData("\"db\"", "db", null)]
    [InlineData("[\"web\",\"db\"]", "db", null)]
    [InlineData("\"web\"", "db", "its audience (aud) is not Auth:JwtAudience")]
    [InlineData("\"db \"", "db", "its audience (aud) is not Auth:JwtAudience")]
    [InlineData("[]", "db", "its audience (aud) is not Auth:JwtAudience")]
    [InlineData("[[\"db\"]]", "db", "its audience (aud) is not Auth:JwtAudience")]
    [InlineData("1", "db", "its audience (aud) is not Auth:JwtAudience")]
    [InlineData(null, "db", "it names no audience (aud)")]
    [InlineData("\"db\"", "", "it is for an audience (aud), and Auth:JwtAudience names none")]
    public void A_token_has_to_be_for_us(string? audience, string expected, string? refusal)
    {
        string token = _tokens.Token("HS256", claims => { if (audience is not null) claims["aud"] = JsonNode.Parse(audience); });
        var auth = new AuthOptions { JwtAudience = expected };
        if (refusal is null) Verify(token, auth);
        else Assert.Equal(refusal, Refusal(token, auth));
    }

    [Theory]
    [InlineData("\"https://id.example\"", null)]
    [InlineData("\"https://id.example/\"", "its issuer (iss) is not Auth:JwtIssuer")]
    [InlineData(null, "its issuer (iss) is not Auth:JwtIssuer")]
    [InlineData("1", "iss is not text")]
    public void A_token_has_to_be_from_the_issuer(string? issuer, string? refusal)
    {
        string token = _tokens.Token("HS256", claims => { if (issuer is not null) claims["iss"] = JsonNode.Parse(issuer); });
        var auth = new AuthOptions { JwtIssuer = "https://id.example" };
        if (refusal is null) Verify(token, auth);
        else Assert.Equal(refusal, Refusal(token, auth));
    }

    [Theory]
    [InlineData("""{"sub":"app"}""", "it names no tenant")]
    [InlineData("""{"tenant":"acme"}""", "it names no user (sub)")]
    [InlineData("""{"tenant":"acme","sub":["app"]}""", "sub is not text")]
    [InlineData("""{"tenant":"acme","sub":"app","tenant":"globex"}""", "its payload is no JSON object, or a member is there twice")]
    [InlineData("""{"tenant":"acme","sub":"app","role":"superuser"}""", "there is no role \"superuser\"")]
    [InlineData("""{"tenant":"acme","sub":"app","role":""}""", "there is no role \"\"")]
    public void A_token_has_to_name_tenant_and_user_once(string claims, string refusal)
        => Assert.Equal(refusal, Refusal(_tokens.Sign("HS256", claims.Replace("{", """{"exp":9999999999,""", StringComparison.Ordinal))));

    [Theory]
    [InlineData("app", UserRole.App)]
    [InlineData("owner", UserRole.Owner)]
    [InlineData("readonly", UserRole.Readonly)]
    public void A_token_may_name_a_role(string word, UserRole role) => Assert.Equal(role, Verify(_tokens.Token("HS256", claims => claims["role"] = word)).Role);
}
