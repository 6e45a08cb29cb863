using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Clients;

/// <summary>
/// Some of the client programs of tests/drivers, which runs all of them: over TLS verified in full, two server connections, none twice in a row.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class DriverProgramTests(ProxydWorld world) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("proxysuite-drivers-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("libpq", "schema", "s1")]
    [InlineData("psycopg3", "database", "s2")]
    [InlineData("asyncpg", "schema", "s2")]
    public async Task Every_step_of_it_is_green(string client, string isolation, string shard)
    {
        TestTenant tenant = await world.CreateTenantAsync($"drivers-{client}", "two", isolation, shard);
        IssueCertificate();
        await using Proxyd proxyd = await world.StartProxydAsync("--Tls:Mode=require", "--Tls:CertificateFile", At("proxy.crt"), "--Tls:KeyFile", At("proxy.key"));
        (await ProcessRunner.PsqlAsync($"{proxyd.Uri(tenant, "owner")}?sslmode=require", File.ReadAllText(Source("template.sql")))).MustSucceed("psql");
        (string program, string[] arguments) = await CommandAsync(client);
        var environment = new Dictionary<string, string>
        {
            ["PGHOST"] = "127.0.0.1",
            ["PGPORT"] = $"{proxyd.Port}",
            ["PGDATABASE"] = tenant.Slug,
            ["PGUSER"] = "app",
            ["PGPASSWORD"] = ProxydWorld.Password,
            ["PGSSLMODE"] = "verify-full",
            ["PGSSLROOTCERT"] = At("ca.pem"),
            ["DRIVERS_SESSION"] = "0",
            ["PYTHONDONTWRITEBYTECODE"] = "1",
        };
        ProcessResult run = await ProcessRunner.RunAsync(program, arguments, TimeSpan.FromMinutes(3), environment: environment);
        string[] lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(run.ExitCode == 0 && lines is [.., "end"], $"{run.Output}{run.Error}");
        Assert.True(lines.Count(line => line.StartsWith("ok ", StringComparison.Ordinal)) >= 10, run.Output);
        Assert.DoesNotContain(lines, line => line.StartsWith("not ok", StringComparison.Ordinal));
    }

    private async Task<(string Program, string[] Arguments)> CommandAsync(string client)
    {
        if (client != "libpq") return ("/usr/bin/python3", [Source($"clients/python/{client}_client.py")]);
        string compiled = At("pipeline");
        string[] arguments = ["-O1", "-I/usr/include/postgresql", Source("clients/libpq/pipeline.c"), "-lpq", "-o", compiled];
        (await ProcessRunner.RunAsync("gcc", arguments)).MustSucceed("gcc");
        return (compiled, []);
    }

    private string At(string name) => Path.Combine(_directory, name);

    // The programs are run where they lie: tests/drivers of the clone that these tests were built from.
    private static string Source(string path)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "ProxySuite.sln"))) root = root.Parent;
        Assert.NotNull(root);
        return Path.Combine(root.FullName, "tests", "drivers", path);
    }

    private void IssueCertificate()
    {
        using ECDsa authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=Test authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using X509Certificate2 authority = authorityRequest.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(At("ca.pem"), authority.ExportCertificatePem());
        File.WriteAllText(At("proxy.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(At("proxy.key"), key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(At("proxy.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
