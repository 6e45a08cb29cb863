using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace ProxySuite.Proxy.Tests.Metrics;

/// <summary>A page in Prometheus' text format, read back by its rules: one heading a family, its samples together, each label set once.</summary>
internal sealed partial class PrometheusPage
{
    private readonly Dictionary<string, double> _samples = [];

    public PrometheusPage(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        string family = "";
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            if (Help().Match(line) is { Success: true } help)
            {
                family = help.Groups["name"].Value;
                Assert.True(Families.TryAdd(family, ""), $"{family} is there twice");
            }
            else if (Type().Match(line) is { Success: true } type)
            {
                Assert.Equal(family, type.Groups["name"].Value);
                Families[family] = type.Groups["type"].Value;
            }
            else
            {
                Match sample = Sample().Match(line);
                Assert.True(sample.Success, $"no sample: {line}");
                string name = sample.Groups["name"].Value;
                Assert.True(name == family || (Families[family] == "histogram" && name[family.Length..] is "_bucket" or "_sum" or "_count"), $"{name} stands under {family}");
                Assert.True(_samples.TryAdd(sample.Groups["series"].Value, double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture)), $"twice: {line}");
            }
        }
    }

    /// <summary>Names and types of all families.</summary>
    public Dictionary<string, string> Families { get; } = [];

    public IEnumerable<string> Series => _samples.Keys;

    /// <summary>The value of a sample named as on the page: <c>name{label="value"}</c>.</summary>
    public double this[string series] => _samples.TryGetValue(series, out double value) ? value : throw new KeyNotFoundException($"no series {series}");

    [GeneratedRegex("""^# HELP (?<name>[a-z_]+) [A-Z0-9].*\.$""")]
    private static partial Regex Help();

    [GeneratedRegex("""^# TYPE (?<name>[a-z_]+) (?<type>counter|gauge|histogram)$""")]
    private static partial Regex Type();

    [GeneratedRegex("""^(?<series>(?<name>[a-z_]+)(\{([a-z_]+="([^"\\\n]|\\\\|\\"|\\n)*")(,[a-z_]+="([^"\\\n]|\\\\|\\"|\\n)*")*\})?) (?<value>[-+.0-9E]+)$""")]
    private static partial Regex Sample();
}
