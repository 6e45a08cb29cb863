using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Tests.Options;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class HbaFileTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    private static HostRules Parse(string text) => HbaFile.Parse(text, (line, reason) => Assert.Fail($"line {line}: {reason}"));

    private static string[] Problems(string text)
    {
        List<string> problems = [];
        HbaFile.Parse(text, (line, reason) => problems.Add($"{line}: {reason}"));
        return [.. problems];
    }

    private static string Show(HostRule rule)
        => $"{rule.Line} {rule.Type} {Names(rule.Tenants)} {Names(rule.Users)} {(rule.Addresses is null ? "*" : "range")} {rule.Method}"
            + (rule.ClientCertificate == ClientCertificate.NotAsked ? "" : $" {rule.ClientCertificate} {rule.Map}".TrimEnd());

    private static string Names(IEnumerable<string>? names) => names is null ? "*" : string.Join('+', names.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("local all all scram-sha-256", "1 Local * * * ScramSha256")]
    [InlineData("host all all all reject", "1 Host * * * Reject")]
    [InlineData("hostssl acme app 10.0.0.0/8 trust", "1 HostSsl acme app range Trust")]
    [InlineData("hostnossl\tacme,globex\tapp,owner\t10.0.0.0\t255.0.0.0\ttrust", "1 HostNoSsl acme+globex app+owner range Trust")]
    [InlineData("host acme, globex app all trust", "1 Host acme+globex app * Trust")]
    [InlineData("host acme,all app,all all trust", "1 Host * * * Trust")]
    [InlineData("host \"all\" \"all\" all trust", "1 Host all all * Trust")]
    [InlineData("host all \"a b,c#d\" all trust", "1 Host * a b,c#d * Trust")]
    [InlineData("host all \"a\"\"b\" all trust", "1 Host * a\"b * Trust")]
    [InlineData("host all \"+staff\" all trust", "1 Host * +staff * Trust")]
    [InlineData("host all all all trust # comment", "1 Host * * * Trust")]
    [InlineData("host all all all trust# comment", "1 Host * * * Trust")]
    [InlineData("# comment\n\n  \t\nhost all all all trust\r\n", "4 Host * * * Trust")]
    [InlineData("host all \\\nall all \\\r\ntrust\nlocal all all trust", "1 Host * * * Trust|4 Local * * * Trust")]
    [InlineData("\uFEFFhost all all all trust", "1 Host * * * Trust")]
    [InlineData("host all all all md5", "1 Host * * * Md5")]
    [InlineData("host all all all jwt", "1 Host * * * Jwt")]
    [InlineData("hostssl all all all cert", "1 HostSsl * * * Cert VerifyFull")]
    [InlineData("hostssl all all all cert clientcert=verify-full map=people", "1 HostSsl * * * Cert VerifyFull people")]
    [InlineData("hostssl all all all scram-sha-256 clientcert=verify-ca", "1 HostSsl * * * ScramSha256 VerifyCa")]
    [InlineData("hostssl all all all jwt clientcert=verify-full", "1 HostSsl * * * Jwt VerifyFull")]
    [InlineData("host pgbouncer,proxysuite ops samehost trust", "1 Host pgbouncer+proxysuite ops range Trust")]
    public void A_rule_is_read_as_PostgreSQL_reads_it(string text, string rules) => Assert.Equal(rules, string.Join('|', Parse(text).All.Select(Show)));

    [Theory]
    [InlineData("hosts all all all trust", "1: \"hosts\" is not a connection type: local, host, hostssl or hostnossl")]
    [InlineData("HOST all all all trust", "1: \"HOST\" is not a connection type: local, host, hostssl or hostnossl")]
    [InlineData("host,local all all all trust", "1: the connection type is one word, not a list")]
    [InlineData("hostgssenc all all all trust", "1: hostgssenc: there is no GSSAPI encryption here; write host")]
    [InlineData("include other.conf", "1: include is not available; write the rules into one file")]
    [InlineData("include_dir rules.d", "1: include_dir is not available; write the rules into one file")]
    [InlineData("local", "1: the line ends before its tenant")]
    [InlineData("local all", "1: the line ends before its user")]
    [InlineData("host all all", "1: the line ends before its address")]
    [InlineData("local all all", "1: the line ends before its authentication method")]
    [InlineData("host all all 10.0.0.1", "1: the line ends before its mask")]
    [InlineData("host all all 10.0.0.1 trust", "1: \"trust\" is not a mask for 10.0.0.1; write 10.0.0.1/32 or /128 for one address")]
    [InlineData("host all all 10.0.0.1 ffff:: trust", "1: \"ffff::\" is not a mask for 10.0.0.1; write 10.0.0.1/32 or /128 for one address")]
    [InlineData("host all all 10.0.0.0/33 trust", "1: \"10.0.0.0/33\" is not address/bits")]
    [InlineData("host all all ::1/129 trust", "1: \"::1/129\" is not address/bits")]
    [InlineData("host all all 10.0.0.0/-1 trust", "1: \"10.0.0.0/-1\" is not address/bits")]
    [InlineData("host all all 10/8 trust", "1: \"10/8\" is not address/bits")]
    [InlineData("host all all 1.2.3.4/8,1.2.3.5/8 trust", "1: an address field holds one address; write a line for each")]
    [InlineData("host all all db.example trust", "1: \"db.example\" is not an address; names of hosts are not looked up")]
    [InlineData("host all all .example trust", "1: \".example\" is not an address; names of hosts are not looked up")]
    [InlineData("host all all \"all\" trust", "1: \"all\" is not an address; names of hosts are not looked up")]
    [InlineData("host all all samenet trust", "1: samenet is not available; write the network as address/bits")]
    [InlineData("host sameuser all all trust", "1: sameuser is not available; name the tenants, or write all")]
    [InlineData("host replication all all trust", "1: replication is not available: such connections are refused without a rule; remove the line")]
    [InlineData("host Acme all all trust", "1: \"Acme\" is no tenant slug: lower-case letters, digits, '-' and '_' are allowed, and a letter or digit comes first")]
    [InlineData("host @tenants all all trust", "1: \"@tenants\": a list in another file is not available in the tenant field; list the names, in quotes where they begin with this sign")]
    [InlineData("host all +staff all trust", "1: \"+staff\": members of a role is not available in the user field; list the names, in quotes where they begin with this sign")]
    [InlineData("host all /^a all trust", "1: \"/^a\": a regular expression is not available in the user field; list the names, in quotes where they begin with this sign")]
    [InlineData("host all \"\" all trust", "1: \"\" is no user: a name has 1 to 63 bytes")]
    [InlineData("host all \"all all trust", "1: a quote is not closed")]
    [InlineData("host all all all scram", "1: \"scram\" is not an authentication method; scram-sha-256, md5, jwt, cert, trust and reject are")]
    [InlineData("host all all all password", "1: password is not available: it would have the client send its password; write scram-sha-256")]
    [InlineData("host all all all cert", "1: cert is for hostssl rules only: without TLS there is no certificate")]
    [InlineData("local all all peer", "1: peer is not available; scram-sha-256, md5, jwt, cert, trust and reject are")]
    [InlineData("host all all all trust map=x", "1: map is an option of cert only")]
    [InlineData("hostssl all all all cert map=", "1: map= names no map")]
    [InlineData("host all all all scram-sha-256 clientcert=verify-full", "1: clientcert is for hostssl rules only: without TLS there is no certificate")]
    [InlineData("local all all scram-sha-256 clientcert=verify-ca", "1: clientcert is for hostssl rules only: without TLS there is no certificate")]
    [InlineData("hostssl all all all cert clientcert=verify-ca", "1: cert always verifies the name as well; leave clientcert out, or write verify-full")]
    [InlineData("hostssl all all all trust clientcert=1", "1: clientcert=\"1\": verify-ca and verify-full are possible")]
    [InlineData("host all all all jwt allow-plaintext=on", "1: \"allow-plaintext=on\" is not an option of a rule; clientcert=verify-ca, clientcert=verify-full and, for cert, map=NAME are")]
    [InlineData("host all all all trust now", "1: \"now\" is not name=value")]
    [InlineData("", "1: there is no rule, so nobody could log in")]
    [InlineData("# nothing", "1: there is no rule, so nobody could log in")]
    public void What_cannot_be_done_is_refused_with_its_line(string text, string problem) => Assert.Equal([problem], Problems(text));

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
        => Assert.Equal(
            ["1: a quote is not closed", "3: \"hots\" is not a connection type: local, host, hostssl or hostnossl", "4: the line ends before its user"],
            Problems("host \"\nhost all all all trust\nhots all all all trust\nlocal all"));

    [Fact]
    public void A_file_with_mistakes_is_refused_with_file_line_and_the_place_of_its_key()
    {
        string path = Path.Combine(_world.Directory, "pg_hba.conf");
        File.WriteAllText(path, "host all all all md6\nhost all all all trust\nlocal all all ldap\n");
        LoadedOptions loaded = _world.Load($$"""
            { "Auth": {
              "HbaFile": "{{path}}" } }
            """);
        Assert.Equal(
        [
            $"Auth:HbaFile: {path} line 1: \"md6\" is not an authentication method; scram-sha-256, md5, jwt, cert, trust and reject are ({_world.ConfigFile} line 2)",
            $"Auth:HbaFile: {path} line 3: ldap is not available; scram-sha-256, md5, jwt, cert, trust and reject are ({_world.ConfigFile} line 2)",
        ], loaded.Problems.Select(problem => problem.ToString()));
    }

    [Fact]
    public void A_file_that_is_not_there_or_is_no_text_is_refused()
    {
        string path = Path.Combine(_world.Directory, "none.conf");
        Assert.Equal([$"Auth:HbaFile: {path} cannot be read: Could not find file '{path}'. (command line)"], _world.Problems("Auth:HbaFile", path));
        File.WriteAllBytes(path, [0xFF, 0xFE, 0x00]);
        Assert.Equal([$"Auth:HbaFile: {path} is not UTF-8 (command line)"], _world.Problems("Auth:HbaFile", path));
    }

    [Fact]
    public void A_reload_reads_the_file_again()
    {
        string path = Path.Combine(_world.Directory, "pg_hba.conf");
        string config = $$"""{ "Auth": { "HbaFile": "{{path}}" } }""";
        File.WriteAllText(path, "host all all all trust");
        LoadedOptions first = _world.Load(config);
        File.WriteAllText(path, "host all all all reject");
        LoadedOptions second = _world.Load(config, running: first);
        Assert.Equal(
            (LoginMethod.Trust, LoginMethod.Reject),
            (first.Options.Auth.HostRules.All[0].Method, second.Options.Auth.HostRules.All[0].Method));
        Assert.Empty(second.NeedRestart);
    }

    [Fact]
    public void The_example_lets_everybody_in_by_SCRAM_as_no_file_does()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "ProxySuite.sln"))) directory = Path.GetDirectoryName(directory)!;
        HostRules example = HbaFile.Read(Path.Combine(directory, "config", "pg_hba.conf"), Assert.Fail);
        Assert.Equal(HostRules.Default.All.Select(rule => Show(rule)[1..]), example.All.Select(rule => Show(rule)[Show(rule).IndexOf(' ', StringComparison.Ordinal)..]));
    }
}
