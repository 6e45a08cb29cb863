using System.Collections;
using System.Reflection;
using ProxySuite.Proxy.Options;
using Xunit;

namespace ProxySuite.Proxy.Tests.Options;

/// <summary>config/proxyd.json is the reference an operator copies: complete, true and valid.</summary>
public sealed class DefaultConfigFileTests
{
    private static readonly string Path = FindConfigFile();

    private readonly LoadedOptions _loaded = OptionsLoader.Load(new ConfigSources(Path, new Hashtable(), []));

    [Fact]
    public void It_lacks_nothing_but_a_registry_and_its_key()
        => Assert.Equal(["Registry:ConnectionString", "Secrets:MasterKeyFile"], _loaded.Problems.Select(problem => problem.Key));

    [Fact]
    public void It_names_every_key_that_exists()
        => Assert.DoesNotContain(_loaded.Keys, key => !_loaded.Values.TryGet(key.Path, out _));

    [Fact]
    public void It_says_the_default_of_every_key()
        => Assert.Equal(_loaded.Keys.Select(key => $"{key.Path}={key.Default}"), _loaded.Keys.Select(key => $"{key.Path}={TextOf(key.Path)}"));

    [Fact]
    public void Its_values_are_the_defaults_in_code()
        => Assert.Equal(new ProxyOptions(), _loaded.Options with { Admin = new ProxyOptions().Admin });

    [Fact]
    public void It_marks_as_reloadable_exactly_the_keys_that_are()
    {
        string[] lines = File.ReadAllLines(Path);
        foreach (OptionKey key in _loaded.Keys)
        {
            Assert.True(_loaded.Values.TryGet(key.Path, out ConfigValue value));
            int line = int.Parse(value.Source[(value.Source.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
            bool marked = lines[line - 2].EndsWith("[reload]", StringComparison.Ordinal);
            Assert.True(marked == (key.Reload == Reload.Live), $"{key.Path} is {key.Reload} in code, but line {line - 1} says: {lines[line - 2].Trim()}");
        }
    }

    [Fact]
    public void Every_property_of_every_section_is_a_key()
    {
        var keys = _loaded.Keys.Select(key => key.Path).ToHashSet(StringComparer.Ordinal);
        keys.Add("Admin:Users");
        foreach (PropertyInfo section in typeof(ProxyOptions).GetProperties())
            foreach (PropertyInfo property in section.PropertyType.GetProperties().Where(property => property.CanWrite))
                Assert.True(keys.Remove($"{section.Name}:{property.Name}"), $"{section.Name}:{property.Name} is no key");
        Assert.Empty(keys);
    }

    private string TextOf(string key) => _loaded.Values.TryGet(key, out ConfigValue value) ? value.Text : "(missing)";

    private static string FindConfigFile()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(System.IO.Path.Combine(directory.FullName, "ProxySuite.sln"))) return System.IO.Path.Combine(directory.FullName, "config", "proxyd.json");
        throw new FileNotFoundException("ProxySuite.sln is in no directory above the tests");
    }
}
