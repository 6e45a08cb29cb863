using System.Text.Json;

namespace ProxySuite.Tenancy.Registry;

/// <summary>
/// An object of a JSON file with the path to it. Reading collects what is wrong, each with its exact path, instead of stopping at the
/// first; what cannot be read gives a harmless value, and the caller looks at the problems before using any.
/// </summary>
internal sealed class JsonNode
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly string _path;
    private readonly List<string> _problems;

    public JsonNode(JsonElement element, string path, List<string> problems)
    {
        _path = path;
        _problems = problems;
        Text = element.GetRawText();
        if (element.ValueKind != JsonValueKind.Object)
        {
            Problem(null, "must be an object");
            return;
        }
        foreach (JsonProperty member in element.EnumerateObject())
        {
            if (!_members.TryAdd(member.Name, member.Value)) Problem(member.Name, "is given twice");
        }
    }

    /// <summary>The object as it is written.</summary>
    public string Text { get; }

    public void Problem(string? name, string reason)
    {
        string path = name is null ? _path : _path.Length == 0 ? name : $"{_path}.{name}";
        _problems.Add($"{(path.Length == 0 ? "the file" : path)}: {reason}");
    }

    /// <summary>A text that must be there.</summary>
    public string Required(string name)
    {
        if (Optional(name) is { } text) return text;
        if (!_members.ContainsKey(name)) Problem(name, "is missing");
        return "";
    }

    public string? Optional(string name)
    {
        if (!TryTake(name, out JsonElement value)) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        Problem(name, "must be a text");
        return null;
    }

    public int? Integer(string name)
    {
        if (!TryTake(name, out JsonElement value)) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)) return number;
        Problem(name, "must be a whole number");
        return null;
    }

    public bool? Flag(string name)
    {
        if (!TryTake(name, out JsonElement value)) return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Problem(name, "must be true or false");
        return null;
    }

    /// <summary>A text read by a function that throws <see cref="FormatException"/> with the reason for refusing.</summary>
    /// <returns>Null when it is not there, or refused.</returns>
    public T? Parsed<T>(string name, Func<string, T> parse) where T : struct
        => Optional(name) is { } text && TryParse(name, text, parse, out T value) ? value : null;

    /// <summary>The same for a text that must be there.</summary>
    public T? RequiredParsed<T>(string name, Func<string, T> parse) where T : notnull
        => Required(name) is { Length: > 0 } text && TryParse(name, text, parse, out T? value) ? value : default;

    /// <summary>The objects of an array; none when it is not there.</summary>
    public IEnumerable<JsonNode> Items(string name)
        => Elements(name).Select((element, index) => new JsonNode(element, Path($"{name}[{index}]"), _problems)).ToList();

    /// <summary>The texts of an array; none when it is not there.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        JsonElement[] elements = Elements(name);
        if (elements.Any(element => element.ValueKind != JsonValueKind.String)) Problem(name, "must be an array of texts");
        return [.. elements.Where(element => element.ValueKind == JsonValueKind.String).Select(element => element.GetString()!)];
    }

    /// <summary>An object of texts; none when it is not there.</summary>
    public IReadOnlyDictionary<string, string> Map(string name)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!TryTake(name, out JsonElement value)) return map;
        if (value.ValueKind != JsonValueKind.Object || value.EnumerateObject().Any(member => member.Value.ValueKind != JsonValueKind.String))
        {
            Problem(name, "must be an object of texts");
            return map;
        }
        foreach (JsonProperty member in value.EnumerateObject()) map[member.Name] = member.Value.GetString()!;
        return map;
    }

    /// <summary>An object within; null when it is not there.</summary>
    public JsonNode? Child(string name) => TryTake(name, out JsonElement value) ? new JsonNode(value, Path(name), _problems) : null;

    /// <summary>Reports every member that nobody asked for: most likely a known one, misspelt.</summary>
    public void RefuseOthers()
    {
        foreach (string name in _members.Keys.Except(_read)) Problem(name, "is not known");
    }

    private bool TryParse<T>(string name, string text, Func<string, T> parse, out T? value) where T : notnull
    {
        try
        {
            value = parse(text);
            return true;
        }
        catch (FormatException refused)
        {
            Problem(name, refused.Message);
            value = default;
            return false;
        }
    }

    private JsonElement[] Elements(string name)
    {
        if (!TryTake(name, out JsonElement value)) return [];
        if (value.ValueKind == JsonValueKind.Array) return [.. value.EnumerateArray()];
        Problem(name, "must be an array");
        return [];
    }

    private bool TryTake(string name, out JsonElement value)
    {
        _read.Add(name);
        return _members.TryGetValue(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    private string Path(string name) => _path.Length == 0 ? name : $"{_path}.{name}";
}
