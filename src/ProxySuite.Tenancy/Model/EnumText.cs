using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace ProxySuite.Tenancy.Model;

/// <summary>How enumerated values are spelled outside the code: in the registry, in files and on the command line, all in lower case.</summary>
public static class EnumText
{
    public static string Of<T>(T value) where T : struct, Enum => Table<T>.Texts[value];

    public static bool TryParse<T>([NotNullWhen(true)] string? text, out T value) where T : struct, Enum
    {
        value = default;
        return text is not null && Table<T>.Values.TryGetValue(text, out value);
    }

    /// <exception cref="FormatException">Not one of the values; the message lists them.</exception>
    public static T Parse<T>(string text) where T : struct, Enum
        => TryParse(text, out T value) ? value : throw new FormatException($"\"{text}\" is not one of {string.Join(", ", Table<T>.Texts.Values)}");

    private static class Table<T> where T : struct, Enum
    {
        public static readonly FrozenDictionary<T, string> Texts = Enum.GetValues<T>().ToFrozenDictionary(v => v, Spell);
        public static readonly FrozenDictionary<string, T> Values = Enum.GetValues<T>().ToFrozenDictionary(Spell, v => v, StringComparer.Ordinal);

        // VerifyFull is verify-full.
        private static string Spell(T value)
            => string.Concat(value.ToString().Select((c, i) => char.IsUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));
    }
}
