using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ProxySuite.Proxy.Options.Jwt;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

/// <summary>Somebody who issues tokens: a key of each kind, their key set, and tokens that are right but for what a test changes.</summary>
internal sealed class TestTokens : IDisposable
{
    public RSA Rsa { get; } = RSA.Create(2048);

    public ECDsa Ec { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public byte[] Secret { get; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>The key set: "rsa", "ec" and "hmac".</summary>
    public string Jwks() => Set(RsaKey("rsa"), EcKey("ec"), HmacKey("hmac", Secret));

    public JwkSet Keys() => JwksFile.Parse(Encoding.UTF8.GetBytes(Jwks()), reason => Assert.Fail(reason));

    public static string Set(params JsonObject[] keys) => new JsonObject { ["keys"] = new JsonArray([.. keys]) }.ToJsonString();

    public JsonObject RsaKey(string id) => RsaKey(id, Rsa);

    public static JsonObject RsaKey(string id, RSA key)
    {
        RSAParameters parameters = key.ExportParameters(false);
        return new JsonObject { ["kty"] = "RSA", ["kid"] = id, ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) };
    }

    public JsonObject EcKey(string id)
    {
        ECPoint point = Ec.ExportParameters(false).Q;
        return new JsonObject { ["kty"] = "EC", ["kid"] = id, ["crv"] = "P-256", ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y) };
    }

    public static JsonObject HmacKey(string id, byte[] secret) => new() { ["kty"] = "oct", ["kid"] = id, ["k"] = Base64Url.EncodeToString(secret) };

    /// <summary>Claims of user app of tenant acme, for ten minutes.</summary>
    public static JsonObject Claims(string tenant = "acme", string user = "app") => new()
    {
        ["sub"] = user,
        ["tenant"] = tenant,
        ["exp"] = DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeSeconds(),
    };

    /// <summary>A token signed as its algorithm has it.</summary>
    public string Token(string algorithm = "RS256", Action<JsonObject>? change = null, string? kid = null)
    {
        JsonObject claims = Claims();
        change?.Invoke(claims);
        return Sign(algorithm, claims.ToJsonString(), kid);
    }

    public string Sign(string algorithm, string payload, string? kid = null, string? header = null)
    {
        string id = kid ?? algorithm switch { "RS256" => "rsa", "ES256" => "ec", _ => "hmac" };
        string signed = $"{Part(header ?? $$"""{"alg":"{{algorithm}}","typ":"JWT","kid":{{JsonSerializer.Serialize(id)}}}""")}.{Part(payload)}";
        byte[] bytes = Encoding.ASCII.GetBytes(signed);
        byte[] signature = algorithm switch
        {
            "RS256" => Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "ES256" => Ec.SignData(bytes, HashAlgorithmName.SHA256),
            "HS256" => HMACSHA256.HashData(Secret, bytes),
            _ => [],
        };
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    public void Dispose()
    {
        Rsa.Dispose();
        Ec.Dispose();
    }
}
