using System.Text.Json;

namespace ProxySuite.Proxy.Options;

/// <summary>Reads a configuration file: JSON with comments and trailing commas, sections as objects, keys as on the command line.</summary>
public static class ConfigFile
{
    /// <summary>Largest file read, in bytes: a hundred times a complete one, so that a wrong path (a device, a dump) ends early.</summary>
    private const int BytesMax = 1 << 20;

    /// <summary>Adds the file's values to <paramref name="values"/>, and what is wrong with it to <paramref name="problems"/>.</summary>
    public static void Read(string path, ConfigValues values, ICollection<ConfigProblem> problems)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            var content = new byte[BytesMax + 1];
            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length > BytesMax) problems.Add(new ConfigProblem("", $"config file {path} is larger than 1MB", ""));
            else Parse(content.AsSpan(0, length), path, values, problems);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            problems.Add(new ConfigProblem("", $"config file {path} cannot be read: {exception.Message}", ""));
        }
    }

    internal static void Parse(ReadOnlySpan<byte> content, string path, ConfigValues values, ICollection<ConfigProblem> problems)
    {
        if (content.StartsWith("\uFEFF"u8)) content = content[3..];
        var walk = new Walk(path, values, problems);
        try
        {
            var reader = new Utf8JsonReader(content, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                problems.Add(new ConfigProblem("", $"config file {path} does not hold a JSON object", ""));
                return;
            }
            walk.Object(ref reader, content, "");
            reader.Read(); // refuses what stands behind the object
        }
        catch (JsonException exception)
        {
            // The framework's message ends in a position counted from 0; ours is the one editors show.
            string reason = exception.Message.Split(" LineNumber:")[0].TrimEnd('.');
            problems.Add(new ConfigProblem("", $"config file is not JSON: {reason}", $"{path} line {exception.LineNumber + 1}"));
        }
    }

    /// <summary>Flattens nested objects and arrays into keys with colons; array items are numbered from 0.</summary>
    private readonly struct Walk(string path, ConfigValues values, ICollection<ConfigProblem> problems)
    {
        private readonly Dictionary<string, string> _seen = new(StringComparer.OrdinalIgnoreCase);

        public void Object(ref Utf8JsonReader reader, ReadOnlySpan<byte> content, string prefix)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                string key = prefix.Length > 0 ? $"{prefix}:{name}" : name;
                string source = $"{path} line {LineOf(content, reader.TokenStartIndex)}";
                if (!_seen.TryAdd(key, source)) problems.Add(new ConfigProblem(key, $"is given twice, first in {_seen[key]}", source));
                reader.Read();
                Value(ref reader, content, key, source);
            }
        }

        private void Array(ref Utf8JsonReader reader, ReadOnlySpan<byte> content, string prefix)
        {
            for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
                Value(ref reader, content, $"{prefix}:{index}", $"{path} line {LineOf(content, reader.TokenStartIndex)}");
        }

        private void Value(ref Utf8JsonReader reader, ReadOnlySpan<byte> content, string key, string source)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    values.AddContainer(new ConfigValue(key, "", source));
                    Object(ref reader, content, key);
                    break;
                case JsonTokenType.StartArray:
                    values.AddContainer(new ConfigValue(key, "", source));
                    Array(ref reader, content, key);
                    break;
                case JsonTokenType.String:
                    values.Set(new ConfigValue(key, reader.GetString()!, source));
                    break;
                case JsonTokenType.Null:
                    problems.Add(new ConfigProblem(key, "null is no value; leave the key out to have its default", source));
                    break;
                default: // a number, true or false, as it is written
                    values.Set(new ConfigValue(key, System.Text.Encoding.UTF8.GetString(reader.ValueSpan), source));
                    break;
            }
        }

        private static int LineOf(ReadOnlySpan<byte> content, long offset) => content[..(int)offset].Count((byte)'\n') + 1;
    }
}
