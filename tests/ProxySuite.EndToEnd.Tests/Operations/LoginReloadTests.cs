using System.Buffers.Text;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>SIGHUP on a running proxy puts other certificates, host rules, keys and maps in force, and no client loses its connection (D4).</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class LoginReloadTests : IDisposable
{
    private readonly ProxydWorld _world;
    private readonly string _directory = Directory.CreateTempSubdirectory("proxysuite-reload-").FullName;
    private readonly X509Certificate2 _authority;
    private int _reloads;

    public LoginReloadTests(ProxydWorld world)
    {
        _world = world;
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Write("ca.pem", _authority.ExportCertificatePem());
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string At(string name) => Path.Combine(_directory, name);

    private void Write(string name, string text)
    {
        // As operators should: whole or not at all.
        File.WriteAllText(At(name + ".new"), text);
        if (name.EndsWith(".key", StringComparison.Ordinal) && !OperatingSystem.IsWindows()) File.SetUnixFileMode(At(name + ".new"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(At(name + ".new"), At(name), overwrite: true);
    }

    /// <summary>Writes NAME.crt and NAME.key.</summary>
    /// <returns>The certificate's thumbprint.</returns>
    private string Issue(string name, string commonName)
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        Write($"{name}.key", key.ExportPkcs8PrivateKeyPem());
        Write($"{name}.crt", certificate.ExportCertificatePem());
        return certificate.Thumbprint;
    }

    private void WriteKeys(string id, byte[] secret)
        => Write("jwks.json", $$"""{ "keys": [ { "kty": "oct", "kid": "{{id}}", "k": "{{Base64Url.EncodeToString(secret)}}" } ] }""");

    private static string Token(string id, byte[] secret, string tenant)
    {
        string claims = string.Create(CultureInfo.InvariantCulture, $$"""{"sub":"app","tenant":"{{tenant}}","exp":{{DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeSeconds()}}}""");
        string signed = $"{Part($$"""{"alg":"HS256","kid":"{{id}}"}""")}.{Part(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}";

        static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
    }

    private async Task ReloadAsync(Proxyd proxyd)
    {
        _reloads++;
        proxyd.Signal(UnixSignal.Hangup);
        for (int i = 0; proxyd.Output.Split("configuration reloaded").Length - 1 < _reloads; i++)
        {
            Assert.True(i < 3000, $"not reloaded:\n{proxyd.Output}");
            await Task.Delay(10);
        }
    }

    /// <summary>The thumbprint of the certificate that new connections are shown.</summary>
    private static async Task<string> ShownAsync(Proxyd proxyd)
    {
        using var socket = new TcpClient("127.0.0.1", proxyd.Port);
        await socket.GetStream().WriteAsync(FrontendBytes.SslRequest);
        Assert.Equal('S', socket.GetStream().ReadByte());
        string shown = "";
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, certificate, _, _) => (shown = ((X509Certificate2)certificate!).Thumbprint).Length > 0,
        });
        return shown;
    }

    private static async Task<string> PsqlAsync(Proxyd proxyd, TestTenant tenant, string user, string more)
    {
        ProcessResult result = await ProcessRunner.PsqlAsync(
            $"host=127.0.0.1 port={proxyd.Port} dbname={tenant.Slug} user={user} {more}", "SELECT 'served'", TimeSpan.FromSeconds(60));
        return (result.Output + result.Error).Trim();
    }

    [Fact]
    public async Task SIGHUP_puts_the_files_of_logins_in_force_and_drops_nobody()
    {
        byte[] first = RandomNumberGenerator.GetBytes(32), second = RandomNumberGenerator.GetBytes(32);
        string before = Issue("proxy", "proxy");
        Issue("person", "ada");
        WriteKeys("first", first);
        Write("ident.conf", "people grace app@acme");
        Write("hba.conf", "hostssl acme app all cert map=people\nhostssl umbrella app all jwt\nhost all reader all reject\nhost all all all scram-sha-256");
        await using Proxyd proxyd = await _world.StartProxydAsync(
            "--Tls:Mode=allow", $"--Tls:CertificateFile={At("proxy.crt")}", $"--Tls:KeyFile={At("proxy.key")}", $"--Tls:ClientCaFile={At("ca.pem")}",
            $"--Auth:HbaFile={At("hba.conf")}", $"--Auth:JwksFile={At("jwks.json")}", $"--Auth:IdentFile={At("ident.conf")}", "--Auth:FailuresMax=1000");
        string certificate = $"sslmode=require sslcert={At("person.crt")} sslkey={At("person.key")}";
        string password = $"password='{ProxydWorld.Password}'";

        Assert.Equal(before, await ShownAsync(proxyd));
        Assert.Contains("certificate authentication failed", await PsqlAsync(proxyd, _world.Acme, "app", certificate), StringComparison.Ordinal);
        Assert.Equal("served", await PsqlAsync(proxyd, _world.Umbrella, "app", $"sslmode=require password={Token("first", first, "umbrella")}"));
        Assert.Contains("password authentication failed", await PsqlAsync(proxyd, _world.Umbrella, "app", $"sslmode=require password={Token("second", second, "umbrella")}"), StringComparison.Ordinal);
        Assert.Contains("pg_hba.conf rejects", await PsqlAsync(proxyd, _world.Acme, "reader", password), StringComparison.Ordinal);
        await using NpgsqlConnection encrypted = await proxyd.OpenAsync(_world.Initech, options: "SSL Mode=Require");
        await using NpgsqlConnection plain = await proxyd.OpenAsync(_world.Initech, options: "SSL Mode=Disable");
        await using NpgsqlTransaction open = await encrypted.BeginTransactionAsync();
        await using var mine = new NpgsqlCommand("SELECT pg_backend_pid()", encrypted, open);
        object? server = await mine.ExecuteScalarAsync();

        string after = Issue("proxy", "proxy");
        WriteKeys("second", second);
        Write("ident.conf", "people ada app@acme");
        Write("hba.conf", "hostssl acme app all cert map=people\nhostssl umbrella app all jwt\nhost all all all scram-sha-256");
        await ReloadAsync(proxyd);

        Assert.Equal(after, await ShownAsync(proxyd));
        Assert.Equal("served", await PsqlAsync(proxyd, _world.Acme, "app", certificate));
        Assert.Contains("password authentication failed", await PsqlAsync(proxyd, _world.Umbrella, "app", $"sslmode=require password={Token("first", first, "umbrella")}"), StringComparison.Ordinal);
        Assert.Equal("served", await PsqlAsync(proxyd, _world.Umbrella, "app", $"sslmode=require password={Token("second", second, "umbrella")}"));
        Assert.Equal("served", await PsqlAsync(proxyd, _world.Acme, "reader", password));
        Assert.Equal(server, await mine.ExecuteScalarAsync());
        await open.CommitAsync();
        await using var still = new NpgsqlCommand("SELECT 1", plain);
        Assert.Equal(1, await still.ExecuteScalarAsync());

        // Of several files with one mistake among them nothing is taken.
        string again = Issue("proxy", "proxy");
        Write("hba.conf", "host all all all reject");
        Write("ident.conf", "people ada");
        Write("jwks.json", "{ \"keys\": [ { \"kty\": \"oct\", \"kid\": \"short\", \"k\": \"AAAA\" } ] }");
        proxyd.Signal(UnixSignal.Hangup);
        await proxyd.UntilItSaysAsync("configuration not reloaded");
        Assert.Contains("ident.conf line 1: the line ends before its user", proxyd.Output, StringComparison.Ordinal);
        Assert.Contains("keys[0]: the secret has 3 bytes; HS256 needs 32 at least", proxyd.Output, StringComparison.Ordinal);
        Assert.Equal(after, await ShownAsync(proxyd));
        Assert.NotEqual(after, again);
        Assert.Equal("served", await PsqlAsync(proxyd, _world.Umbrella, "app", $"sslmode=require password={Token("second", second, "umbrella")}"));
        Assert.Equal(1, await still.ExecuteScalarAsync());

        // Why somebody was refused stands in the log, and no token does.
        Assert.Contains("reason=token refused: no key \"first\" in Auth:JwksFile", proxyd.Output, StringComparison.Ordinal);
        Assert.Contains("the certificate's name \"ada\" is not for this user", proxyd.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Token("first", first, "umbrella")[..20], proxyd.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" ERR proxy", proxyd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handshakes_that_never_end_cost_little_and_go_with_their_time()
    {
        Issue("proxy", "proxy");
        await using Proxyd proxyd = await _world.StartProxydAsync(
            "--Tls:Mode=allow", $"--Tls:CertificateFile={At("proxy.crt")}", $"--Tls:KeyFile={At("proxy.key")}", "--Auth:LoginTimeout=20s");
        for (int i = 0; i < 20; i++) await ShownAsync(proxyd); // what is made once is made
        using RawClient neighbour = await proxyd.LoginRawAsync(_world.Acme);
        long before = proxyd.StatusKilobytes("VmRSS");
        const int Stalled = 300;
        List<TcpClient> clients = [];
        // A record that claims 16 kB, its last byte missing: as much as a handshake makes anybody hold.
        byte[] record = [22, 3, 1, 0x40, 0, .. new byte[16383]];
        for (int i = 0; i < Stalled; i++)
        {
            var client = new TcpClient("127.0.0.1", proxyd.Port);
            clients.Add(client);
            await client.GetStream().WriteAsync(FrontendBytes.SslRequest);
            Assert.Equal('S', client.GetStream().ReadByte());
            await client.GetStream().WriteAsync(record);
        }
        Assert.Equal("1", await neighbour.ScalarAsync("SELECT 1"));
        long grown = proxyd.StatusKilobytes("VmRSS") - before;
        Assert.True(grown < Stalled * 256, $"{Stalled} handshakes that stall cost {grown} kB");
        await proxyd.UntilMetricAsync(1, "proxysuite_clients");
        Assert.Equal("1", await neighbour.ScalarAsync("SELECT 1"));
        foreach (TcpClient client in clients) client.Dispose();
    }
}
