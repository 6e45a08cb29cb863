using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Jwt;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Frontend.Auth;

/// <summary>What a valid token says.</summary>
/// <param name="Tenant">Slug of the tenant it is for.</param>
/// <param name="User">User within the tenant.</param>
/// <param name="Role">The most its bearer may do; null for what the user may do.</param>
internal sealed record JwtClaims(string Tenant, string User, UserRole? Role);

/// <summary>A token is not valid; the message says why, for the log alone: whoever is told how near he came tries again.</summary>
internal sealed class JwtRefusedException(string reason) : Exception(reason);

/// <summary>
/// Decides whether a token (RFC 7519, signed as RFC 7515 has it) is valid. All that the standards leave open is closed: compact form only, a key named by
/// <c>kid</c> whose kind fixes the algorithm, an end, a tenant and a user must be there, no critical extension, no member twice. Any thread.
/// </summary>
internal static class JwtVerifier
{
    /// <summary>Largest token, in bytes; tokens of identity providers have one to two thousand.</summary>
    public const int BytesMax = 8 * 1024;

    private static readonly SearchValues<byte> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>Checks form, signature and claims, in this order: nothing of the claims is believed, or told, of a token that nobody signed.</summary>
    /// <param name="token">As the client sent it.</param>
    /// <param name="keys">Who may sign.</param>
    /// <param name="auth">Audience, issuer and clock skew.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="JwtRefusedException">It is not valid.</exception>
    public static JwtClaims Verify(ReadOnlySpan<byte> token, JwkSet keys, AuthOptions auth, DateTimeOffset now)
    {
        if (token.Length > BytesMax) throw Refused($"larger than {BytesMax} bytes");
        int headerEnd = token.IndexOf((byte)'.');
        int payloadEnd = token.LastIndexOf((byte)'.');
        if (headerEnd <= 0 || payloadEnd == headerEnd) throw Refused("not three parts joined by dots");
        CheckSignature(token[..headerEnd], token[..payloadEnd], token[(payloadEnd + 1)..], keys);
        using JsonDocument payload = Json(token[(headerEnd + 1)..payloadEnd], "payload");
        return ReadClaims(payload.RootElement, auth, now);
    }

    private static void CheckSignature(ReadOnlySpan<byte> headerPart, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signaturePart, JwkSet keys)
    {
        using JsonDocument header = Json(headerPart, "header");
        // Such an extension would change what the token means (RFC 7515 §4.1.11); none is known here.
        if (header.RootElement.TryGetProperty("crit", out _)) throw Refused("it demands an extension (crit)");
        string algorithm = Text(header.RootElement, "alg") ?? throw Refused("its header has no alg");
        string id = Text(header.RootElement, "kid") ?? throw Refused("its header has no kid");
        JwtKey key = keys.Find(id) ?? throw Refused($"no key \"{Shown(id)}\" in Auth:JwksFile");
        if (key.Algorithm != algorithm) throw Refused($"it says alg {Shown(algorithm)}, and key \"{Shown(id)}\" is for {key.Algorithm}");
        if (!key.Verifies(signed.ToArray(), Decode(signaturePart, "signature"))) throw Refused($"the signature is not that of key \"{Shown(id)}\"");
    }

    private static JwtClaims ReadClaims(JsonElement claims, AuthOptions auth, DateTimeOffset now)
    {
        double time = now.ToUnixTimeMilliseconds() / 1000.0, skew = auth.JwtClockSkew.TotalSeconds;
        double end = Time(claims, "exp") ?? throw Refused("it has no end (exp)");
        if (time >= end + skew) throw Refused("it has expired (exp)");
        if (Time(claims, "nbf") is { } begin && time < begin - skew) throw Refused("it is not valid yet (nbf)");
        if (auth.JwtIssuer.Length > 0 && Text(claims, "iss") != auth.JwtIssuer) throw Refused("its issuer (iss) is not Auth:JwtIssuer");
        CheckAudience(claims, auth.JwtAudience);
        string tenant = Text(claims, "tenant") ?? throw Refused("it names no tenant");
        string user = Text(claims, "sub") ?? throw Refused("it names no user (sub)");
        UserRole? role = null;
        if (Text(claims, "role") is { } word) role = EnumText.TryParse(word, out UserRole parsed) ? parsed : throw Refused($"there is no role \"{Shown(word)}\"");
        return new JwtClaims(tenant, user, role);
    }

    // A token for somebody else must not open this door (RFC 7519 §4.1.3): where no audience is set, one that names any is not for us.
    private static void CheckAudience(JsonElement claims, string expected)
    {
        if (!claims.TryGetProperty("aud", out JsonElement audience))
        {
            if (expected.Length > 0) throw Refused("it names no audience (aud)");
            return;
        }
        if (expected.Length == 0) throw Refused("it is for an audience (aud), and Auth:JwtAudience names none");
        bool isForUs = audience.ValueKind switch
        {
            JsonValueKind.String => audience.ValueEquals(expected),
            JsonValueKind.Array => audience.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals(expected)),
            _ => false,
        };
        if (!isForUs) throw Refused("its audience (aud) is not Auth:JwtAudience");
    }

    private static JsonDocument Json(ReadOnlySpan<byte> part, string what)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(Decode(part, what), Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw Refused($"its {what} is no JSON object, or a member is there twice");
    }

    // The decoder would pass over blanks and padding; tokens have neither (RFC 7515 §2).
    private static byte[] Decode(ReadOnlySpan<byte> part, string what)
        => part.ContainsAnyExcept(Alphabet) || !Base64Url.IsValid(part) ? throw Refused($"its {what} is not base64url") : Base64Url.DecodeFromUtf8(part);

    private static string? Text(JsonElement parent, string name)
    {
        if (!parent.TryGetProperty(name, out JsonElement value)) return null;
        if (value.ValueKind != JsonValueKind.String) throw Refused($"{name} is not text");
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            throw Refused($"{name} is not UTF-8"); // or half a surrogate pair
        }
    }

    /// <returns>Seconds since 1970; null when it is not there.</returns>
    private static double? Time(JsonElement claims, string name)
        => !claims.TryGetProperty(name, out JsonElement value) ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double seconds) && double.IsFinite(seconds) ? seconds
            : throw Refused($"{name} is not a number");

    private static string Shown(string text) => text.Length <= 64 ? text : text[..64] + "…";

    private static JwtRefusedException Refused(string reason) => new("token refused: " + reason);
}
