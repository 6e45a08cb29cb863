using ProxySuite.Proxy.Tests.Options;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class AuthRuleTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    private string File(string name, string text)
    {
        string path = Path.Combine(_world.Directory, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    private string[] Problems(string rules, params (string Key, string Value)[] more)
        => [.. _world.Load(commandLine: [("Auth:HbaFile", File("pg_hba.conf", rules)), .. more]).Problems
            .Select(problem => problem.ToString().Replace(_world.Directory, "DIR", StringComparison.Ordinal))];

    [Fact]
    public void Rules_for_tokens_need_keys()
    {
        Assert.Equal(["Auth:HbaFile: DIR/pg_hba.conf line 2: jwt needs keys to verify tokens with; set Auth:JwksFile (command line)"], Problems("host all all all trust\nhost all all all jwt"));
        using var tokens = new TestTokens();
        Assert.Empty(Problems("host all all all jwt", ("Auth:JwksFile", File("jwks.json", tokens.Jwks()))));
    }

    [Fact]
    public void Rules_for_md5_need_leave()
    {
        Assert.Equal(
            ["Auth:HbaFile: DIR/pg_hba.conf line 1: md5 is off, as whoever reads a stored hash can log in with it; write scram-sha-256, or set Auth:Md5 to on (command line)"],
            Problems("host all all all md5"));
        Assert.Empty(Problems("host all all all md5", ("Auth:Md5", "on")));
    }

    [Fact]
    public void Rules_for_certificates_need_an_authority()
    {
        string expected = "client certificates need Tls:ClientCaFile, and a Tls:Mode other than disable (command line)";
        Assert.Equal([$"Auth:HbaFile: DIR/pg_hba.conf line 1: {expected}", $"Auth:HbaFile: DIR/pg_hba.conf line 2: {expected}"],
            Problems("hostssl all all all cert\nhostssl all all all scram-sha-256 clientcert=verify-ca"));
    }

    [Fact]
    public void Maps_have_to_be_there()
    {
        using var certificates = new Tls.TestCertificates();
        (string certificate, string key) = certificates.Issue("proxy");
        (string, string)[] tls = [("Tls:Mode", "allow"), ("Tls:CertificateFile", certificate), ("Tls:KeyFile", key), ("Tls:ClientCaFile", certificates.AuthorityFile)];
        const string Rule = "hostssl all all all cert map=people";
        Assert.Equal(["Auth:HbaFile: DIR/pg_hba.conf line 1: map needs Auth:IdentFile (command line)"], Problems(Rule, tls));
        string other = File("pg_ident.conf", "others ada app@acme");
        Assert.Equal(["Auth:HbaFile: DIR/pg_hba.conf line 1: there is no map \"people\" in DIR/pg_ident.conf (command line)"], Problems(Rule, [.. tls, ("Auth:IdentFile", other)]));
        Assert.Empty(Problems(Rule, [.. tls, ("Auth:IdentFile", File("pg_ident.conf", "people ada app@acme"))]));
    }

    [Fact]
    public void Files_with_mistakes_are_refused_with_the_place()
    {
        Assert.Equal(["Auth:IdentFile: DIR/pg_ident.conf line 2: the line ends before its user (command line)"],
            Problems("host all all all trust", ("Auth:IdentFile", File("pg_ident.conf", "\nm ada"))));
        Assert.Equal(["Auth:JwksFile: DIR/jwks.json: line 1: not JSON (command line)"],
            Problems("host all all all trust", ("Auth:JwksFile", File("jwks.json", "{"))));
        Assert.Equal(["Auth:JwksFile: DIR/none.json cannot be read: Could not find file 'DIR/none.json'. (command line)"],
            Problems("host all all all trust", ("Auth:JwksFile", Path.Combine(_world.Directory, "none.json"))));
    }

    [Fact]
    public void What_is_set_for_tokens_without_keys_is_a_slip()
        => Assert.Equal(["Auth:JwtAudience: is of no use without Auth:JwksFile (command line)", "Auth:JwtIssuer: is of no use without Auth:JwksFile (command line)"],
            Problems("host all all all trust", ("Auth:JwtAudience", "db"), ("Auth:JwtIssuer", "id")));

    [Theory]
    [InlineData("db.example.com", true)]
    [InlineData(".db.example.com", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("db example", false)]
    public void The_domain_of_tenants_is_one(string domain, bool isOne) => Assert.Equal(isOne, _world.Problems("Tls:TenantDomain", domain).Length == 0);
}
