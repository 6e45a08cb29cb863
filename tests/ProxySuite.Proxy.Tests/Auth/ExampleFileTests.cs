using ProxySuite.Proxy.Options.Hba;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

/// <summary>The examples in config/: an operator takes the # away, and what stands there has to be right.</summary>
public sealed class ExampleFileTests
{
    private static string Uncommented(string name, params string[] beginnings)
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "ProxySuite.sln"))) directory = Path.GetDirectoryName(directory)!;
        string[] lines = [.. File.ReadAllLines(Path.Combine(directory, "config", name))
            .Where(line => Array.Exists(beginnings, beginning => line.StartsWith($"# {beginning} ", StringComparison.Ordinal)))
            .Select(line => line[2..])];
        Assert.NotEmpty(lines);
        return string.Join('\n', lines);
    }

    [Fact]
    public void The_rules_in_comments_are_rules()
    {
        HostRules rules = HbaFile.Parse(Uncommented("pg_hba.conf", "host", "hostssl", "hostnossl", "local"), (line, reason) => Assert.Fail($"line {line}: {reason}"));
        Assert.Contains(rules.All, rule => rule.Method == LoginMethod.Jwt);
        Assert.Contains(rules.All, rule => rule is { Method: LoginMethod.Cert, Map: "people" });
    }

    [Fact]
    public void The_maps_in_comments_say_what_they_seem_to()
    {
        IdentMaps maps = IdentFile.Parse(Uncommented("pg_ident.conf", "people", "services"), (line, reason) => Assert.Fail($"line {line}: {reason}"));
        HostRule people = HbaFile.Parse("hostssl all all all cert map=people", (_, reason) => Assert.Fail(reason)).All[0];
        Assert.True(maps.Allows(people, "Ada Lovelace", "acme", "owner"));
        Assert.True(maps.Allows(people, "grace@acme.example.com", "acme", "grace"));
        Assert.False(maps.Allows(people, "grace@acme.example.com", "globex", "grace"));
        Assert.True(maps.Allows(people with { Map = "services" }, "app@globex.svc.example.com", "globex", "app"));
    }
}
