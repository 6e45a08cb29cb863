using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace ProxySuite.Proxy.Options.Jwt;

/// <summary>
/// Reads a JSON Web Key Set (RFC 7517). Keys that are not for RS256, ES256 or HS256 signatures are passed over, as §5 asks; a key that is, and is weak,
/// broken or ambiguous, is an error.
/// </summary>
internal static class JwksFile
{
    /// <summary>Largest file read, in bytes.</summary>
    private const int BytesMax = 1 << 20;

    /// <summary>A name for a key has at most so many characters.</summary>
    private const int IdLengthMax = 256;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">Told of all that is wrong; never of a key itself.</param>
    /// <returns>The keys; of no use where a problem was told.</returns>
    public static JwkSet Read(string path, Action<string> problem)
    {
        byte[]? content = SmallFile.Read(path, BytesMax, problem);
        return content is null ? JwkSet.Empty : Parse(content, reason => problem($"{path}: {reason}"));
    }

    /// <summary>Reads keys from JSON.</summary>
    /// <inheritdoc cref="Read" path="/returns"/>
    public static JwkSet Parse(ReadOnlyMemory<byte> json, Action<string> problem)
    {
        var keys = new Dictionary<string, JwtKey>(StringComparer.Ordinal);
        bool isWhole = true;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
            {
                problem("is no JSON Web Key Set: an object with a member \"keys\" that is a list");
                return JwkSet.Empty;
            }
            int index = 0;
            foreach (JsonElement item in list.EnumerateArray())
            {
                string place = $"keys[{index++}]";
                try
                {
                    if (ReadKey(item) is { } key && !keys.TryAdd(key.Id, key)) throw new FormatException($"there are two keys \"{key.Id}\"");
                }
                catch (Exception wrong) when (wrong is FormatException or CryptographicException)
                {
                    isWhole = false;
                    problem($"{place}: {wrong.Message}");
                }
            }
        }
        catch (JsonException malformed)
        {
            problem(malformed.LineNumber is { } line ? $"line {line + 1}: not JSON" : "not JSON, or a member is there twice");
            return JwkSet.Empty;
        }
        if (keys.Count == 0 && isWhole) problem("holds no key for RS256, ES256 or HS256, so no token could be valid");
        return new JwkSet(keys.Values);
    }

    /// <returns>Null for a key that is not for our signatures.</returns>
    private static JwtKey? ReadKey(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object) throw new FormatException("is no object");
        if (Text(key, "use") is { } use && use != "sig") return null;
        (string? kind, string? algorithm) = (Text(key, "kty"), Text(key, "alg"));
        switch (kind)
        {
            case "RSA" when algorithm is null or "RS256": return Rsa(IdOf(key), key);
            case "EC" when algorithm is null or "ES256" && Text(key, "crv") == "P-256": return Ec(IdOf(key), key);
            case "oct" when algorithm is null or "HS256": return Hmac(IdOf(key), key);
            default: return null;
        }
    }

    private static HmacJwtKey Hmac(string id, JsonElement key)
    {
        byte[] secret = Bytes(key, "k");
        return secret.Length >= HmacJwtKey.BytesMin ? new HmacJwtKey(id, secret)
            : throw new FormatException($"the secret has {secret.Length} bytes; HS256 needs {HmacJwtKey.BytesMin} at least");
    }

    private static RsaJwtKey Rsa(string id, JsonElement key)
    {
        RefusePrivate(key);
        var parameters = new RSAParameters { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") };
        using RSA rsa = RSA.Create(parameters);
        return rsa.KeySize is >= RsaJwtKey.BitsMin and <= RsaJwtKey.BitsMax ? new RsaJwtKey(id, parameters)
            : throw new FormatException($"the key has {rsa.KeySize} bits; {RsaJwtKey.BitsMin} to {RsaJwtKey.BitsMax} are allowed");
    }

    private static EcJwtKey Ec(string id, JsonElement key)
    {
        RefusePrivate(key);
        var parameters = new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Bytes(key, "x"), Y = Bytes(key, "y") } };
        if (parameters.Q.X.Length != EcJwtKey.FieldBytes || parameters.Q.Y.Length != EcJwtKey.FieldBytes) throw new FormatException("x and y have 32 bytes each on P-256");
        ECDsa.Create(parameters).Dispose(); // refuses a point that is not on the curve
        return new EcJwtKey(id, parameters);
    }

    // Who verifies needs no private key; a file that holds one was meant for somebody else, and should not lie about here.
    private static void RefusePrivate(JsonElement key)
    {
        if (key.TryGetProperty("d", out _)) throw new FormatException("holds a private key; only the public one belongs here");
    }

    private static string IdOf(JsonElement key) => Text(key, "kid") switch
    {
        null or "" => throw new FormatException("has no kid, by which tokens choose their key"),
        { Length: > IdLengthMax } => throw new FormatException($"its kid is longer than {IdLengthMax} characters"),
        var id => id,
    };

    private static string? Text(JsonElement key, string name)
        => !key.TryGetProperty(name, out JsonElement value) ? null
            : value.ValueKind == JsonValueKind.String ? value.GetString()
            : throw new FormatException($"{name} is not text");

    private static byte[] Bytes(JsonElement key, string name)
    {
        string text = Text(key, name) ?? throw new FormatException($"has no {name}");
        return Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : throw new FormatException($"{name} is not base64url");
    }
}
