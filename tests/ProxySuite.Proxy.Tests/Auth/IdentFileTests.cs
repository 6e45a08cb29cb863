using ProxySuite.Proxy.Options.Hba;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class IdentFileTests
{
    private static readonly HostRule AllTenants = HbaFile.Parse("hostssl all all all cert map=m", (_, reason) => Assert.Fail(reason)).All[0];
    private static readonly HostRule OneTenant = HbaFile.Parse("hostssl acme all all cert map=m", (_, reason) => Assert.Fail(reason)).All[0];
    private static readonly HostRule TwoTenants = HbaFile.Parse("hostssl acme,globex all all cert map=m", (_, reason) => Assert.Fail(reason)).All[0];

    private static bool Allows(HostRule rule, string file, string name, string tenant = "acme", string user = "app")
        => IdentFile.Parse(file, (line, reason) => Assert.Fail($"line {line}: {reason}")).Allows(rule, name, tenant, user);

    [Theory]
    [InlineData("m ada app@acme", "ada", true)]
    [InlineData("m ada app@acme", "Ada", false)]
    [InlineData("m ada app@acme", "adam", false)]
    [InlineData("other ada app@acme", "ada", false)]
    [InlineData("m ada app@globex", "ada", false)]
    [InlineData("m ada owner@acme\nm ada app@acme", "ada", true)]
    [InlineData("m \"Ada Lovelace\" app@acme", "Ada Lovelace", true)]
    [InlineData("m /^(.*)$ \\1", "app@acme", true)]
    [InlineData("m /^(.*)$ \\1", "app@globex", false)]
    [InlineData("m /^(.*)\\.example\\.com$ \\1@acme", "app.example.com", true)]
    [InlineData("m /^(.*)\\.example\\.com$ \\1@acme", "app.example.com.evil.org", false)]
    [InlineData("m /^(.*)\\.example\\.com$ \\1@acme", "app-example-com", false)]
    [InlineData("m /^app app@acme", "application", true)]
    [InlineData("m \"/^(a|b), (.*)$\" \"app@acme\"", "a, x", true)]
    [InlineData("# nothing", "app@acme", false)]
    public void A_map_says_whom_a_name_stands_for(string file, string name, bool isAllowed) => Assert.Equal(isAllowed, Allows(AllTenants, file, name));

    [Fact]
    public void A_user_without_its_tenant_counts_only_where_the_rule_is_for_one_tenant()
    {
        Assert.True(Allows(OneTenant, "m ada app", "ada"));
        Assert.False(Allows(AllTenants, "m ada app", "ada"));
        Assert.False(Allows(TwoTenants, "m ada app", "ada"));
        Assert.True(IdentMaps.Empty.Allows(OneTenant with { Map = "" }, "app", "acme", "app"));
        Assert.False(IdentMaps.Empty.Allows(AllTenants with { Map = "" }, "app", "acme", "app"));
        Assert.True(IdentMaps.Empty.Allows(AllTenants with { Map = "" }, "app@acme", "acme", "app"));
        Assert.False(IdentMaps.Empty.Allows(AllTenants with { Map = "" }, "app@acme", "globex", "app"));
    }

    [Theory]
    [InlineData("m", "1: the line ends before its name in the certificate")]
    [InlineData("m ada", "1: the line ends before its user")]
    [InlineData("m ada app now", "1: a line has three fields: map, name in the certificate, user")]
    [InlineData("m ada,bob app", "1: the name in the certificate is one word, not a list")]
    [InlineData("include other.conf", "1: include is not available; write the maps into one file")]
    [InlineData("m \"\" app", "1: a name must not be empty")]
    [InlineData("m ada all", "1: \"all\": all users, members of a role and regular expressions are not available in the user field; write user@tenant, \\1 in it where it depends on the name")]
    [InlineData("m /^(a app", "1: \"^(a\" is no regular expression, or one with look-around or back-references, which are not available")]
    [InlineData("m /^(?=a)b app", "1: \"^(?=a)b\" is no regular expression, or one with look-around or back-references, which are not available")]
    [InlineData("m /^.*$ \\1", "1: \\1 stands for a group, and the expression has none")]
    public void What_cannot_be_done_is_refused_with_its_line(string file, string problem)
    {
        List<string> problems = [];
        IdentFile.Parse(file, (line, reason) => problems.Add($"{line}: {reason}"));
        Assert.Equal([problem], problems);
    }

    [Fact]
    public void A_name_made_to_cost_time_costs_none()
        => Assert.False(Allows(AllTenants, "m /^(a+)+$ \\1@acme", new string('a', 60) + "!"));
}
