using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Tenancy.Cache;

/// <summary>A tenant's entry as JSON for the shared cache: every property of the model, whatever is added to it, and nothing that a proxy does not hold anyway.</summary>
internal static class EntryJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters =
        {
            new TextConverter<TenantSlug>(slug => slug.Value, TenantSlug.Parse),
            new TextConverter<TenantId>(id => id.ToString(), text => TenantId.TryParse(text, out TenantId id) ? id : throw new FormatException("no tenant id")),
            new TextConverter<PasswordVerifier>(verifier => verifier.ToStoredForm(), PasswordVerifier.ReadStored),
            new TextConverter<AddressList>(list => list.ToString(), AddressList.Parse),
            new TextConverter<ShardEndpoint>(endpoint => endpoint.ToString(), text => ShardEndpoint.Parse(text)),
            // A login of the control plane has no business in a cache; a proxy never holds one.
            new TextConverter<Dsn>(_ => throw new NotSupportedException("a DSN is not shared"), _ => throw new FormatException("a DSN is not shared")),
            new UsersConverter(),
            new SettingsConverter(),
        },
    };

    /// <summary>
    /// Names and types of all that an entry is made of, as a short hash. Programs whose models differ cannot read each other's entries: a property that one of them
    /// does not know may be the one that keeps somebody out.
    /// </summary>
    public static string Shape { get; } = ComputeShape();

    public static byte[] Write(TenantEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, Options);

    /// <exception cref="JsonException">Not an entry.</exception>
    public static TenantEntry Read(ReadOnlySpan<byte> json)
        => JsonSerializer.Deserialize<TenantEntry>(json, Options) ?? throw new JsonException("null is no entry");

    private static string ComputeShape()
    {
        var text = new StringBuilder();
        Describe(typeof(TenantEntry), text, []);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 6));
    }

    private static void Describe(Type type, StringBuilder text, HashSet<Type> seen)
    {
        if (type.IsGenericType) foreach (Type argument in type.GetGenericArguments()) Describe(argument, text, seen);
        if (type.IsEnum && seen.Add(type)) text.Append(type.Name).Append('=').AppendJoin(',', Enum.GetNames(type)).Append(';');
        if (type.Namespace != typeof(Tenant).Namespace || type.IsEnum || !seen.Add(type)) return;
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).OrderBy(property => property.Name, StringComparer.Ordinal))
        {
            text.Append(type.Name).Append('.').Append(property.Name).Append(':').Append(property.PropertyType.Name).Append(';');
            Describe(property.PropertyType, text, seen);
        }
    }

    private sealed class TextConverter<T>(Func<T, string> write, Func<string, T> read) : JsonConverter<T>
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return read(reader.GetString() ?? "");
            }
            catch (FormatException malformed)
            {
                throw new JsonException(malformed.Message, malformed);
            }
        }

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(write(value));
    }

    private sealed class UsersConverter : JsonConverter<FrozenDictionary<string, TenantUser>>
    {
        public override FrozenDictionary<string, TenantUser> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => JsonSerializer.Deserialize<TenantUser[]>(ref reader, options)!.ToFrozenDictionary(user => user.Name, StringComparer.Ordinal);

        public override void Write(Utf8JsonWriter writer, FrozenDictionary<string, TenantUser> value, JsonSerializerOptions options)
            => JsonSerializer.Serialize(writer, value.Values.ToArray(), options);
    }

    private sealed class SettingsConverter : JsonConverter<ImmutableSortedDictionary<string, string>>
    {
        public override ImmutableSortedDictionary<string, string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => PlanSettings.None.AddRange(JsonSerializer.Deserialize<Dictionary<string, string>>(ref reader, options)!);

        public override void Write(Utf8JsonWriter writer, ImmutableSortedDictionary<string, string> value, JsonSerializerOptions options)
            => JsonSerializer.Serialize(writer, new Dictionary<string, string>(value), options);
    }
}
