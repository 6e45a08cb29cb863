using System.Net;
using System.Net.Sockets;
using ProxySuite.Proxy.Options.Hba;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class HostRulesTests
{
    private static ClientOrigin From(string address, bool isEncrypted = false)
        => ClientOrigin.Of(address == "[local]" ? new UnixDomainSocketEndPoint("/tmp/x") : new IPEndPoint(IPAddress.Parse(address), 5000), isEncrypted);

    private static string Find(string rules, ClientOrigin origin, string tenant = "acme", string user = "app")
        => HbaFile.Parse(rules, (line, reason) => Assert.Fail($"line {line}: {reason}")).Find(origin, tenant, user) is { } rule ? $"line {rule.Line}" : "none";

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.1.2.3/8", "10.9.9.9", true)]
    [InlineData("10.0.0.0/9", "10.127.0.1", true)]
    [InlineData("10.0.0.0/9", "10.128.0.1", false)]
    [InlineData("10.0.0.1/32", "10.0.0.1", true)]
    [InlineData("10.0.0.1/32", "10.0.0.0", false)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("::/0", "203.0.113.9", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:7fff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("fe80::/10", "fe80::1%3", true)]
    [InlineData("10.0.0.0 255.0.255.0", "10.7.0.9", true)]
    [InlineData("10.0.0.0 255.0.255.0", "10.7.1.9", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [InlineData("::/0", "::ffff:10.0.0.1", false)]
    [InlineData("all", "::ffff:10.0.0.1", true)]
    [InlineData("samehost", "127.0.0.1", true)]
    [InlineData("samehost", "203.0.113.9", false)]
    public void An_address_is_compared_under_the_mask_and_within_its_family(string range, string client, bool fits)
        => Assert.Equal(fits ? "line 1" : "none", Find($"host all all {range} trust", From(client)));

    [Theory]
    [InlineData("local", "[local]", false, true)]
    [InlineData("local", "127.0.0.1", false, false)]
    [InlineData("host", "[local]", false, false)]
    [InlineData("host", "127.0.0.1", false, true)]
    [InlineData("host", "127.0.0.1", true, true)]
    [InlineData("hostssl", "127.0.0.1", true, true)]
    [InlineData("hostssl", "127.0.0.1", false, false)]
    [InlineData("hostnossl", "127.0.0.1", false, true)]
    [InlineData("hostnossl", "127.0.0.1", true, false)]
    public void A_type_says_which_connections_a_rule_is_for(string type, string client, bool isEncrypted, bool fits)
        => Assert.Equal(fits ? "line 1" : "none", Find($"{type} all all {(type == "local" ? "" : "all")} trust", From(client, isEncrypted)));

    [Theory]
    [InlineData("acme", "app", "10.0.0.1", "line 1")]
    [InlineData("acme", "owner", "10.0.0.1", "line 2")]
    [InlineData("acme", "app", "11.0.0.1", "line 2")]
    [InlineData("globex", "app", "10.0.0.1", "line 3")]
    [InlineData("initech", "app", "10.0.0.1", "none")]
    [InlineData("globex", "owner", "10.0.0.1", "none")]
    [InlineData("all", "app", "10.0.0.1", "none")]
    [InlineData("ACME", "app", "10.0.0.1", "none")]
    public void The_first_rule_that_fits_decides(string tenant, string user, string client, string line)
        => Assert.Equal(line, Find("host acme app 10.0.0.0/8 trust\nhost acme all all reject\nhost globex app all scram-sha-256", From(client), tenant, user));

    [Theory]
    [InlineData("[local]")]
    [InlineData("127.0.0.1")]
    [InlineData("2001:db8::1")]
    public void Without_a_file_it_is_SCRAM_from_everywhere(string client)
        => Assert.Equal(LoginMethod.ScramSha256, HostRules.Default.Find(From(client), "acme", "app")?.Method);

    [Theory]
    [InlineData("[local]", true)]
    [InlineData("127.9.9.9", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    public void What_stays_on_this_machine_is_known(string client, bool isOfThisMachine) => Assert.Equal(isOfThisMachine, From(client).IsOfThisMachine);
}
