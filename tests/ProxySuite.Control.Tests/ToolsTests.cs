using System.Diagnostics;
using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Servers;

namespace ProxySuite.Control.Tests;

/// <summary>PostgreSQL's own tools, run as a tenant on a relaxed shard. Against 15, as pg_dump refuses a server newer than itself.</summary>
[Trait("Category", "Server")]
public sealed class ToolsTests
{
    [Theory]
    [InlineData(IsolationModel.Schema, UserRole.Owner), InlineData(IsolationModel.Schema, UserRole.App)]
    [InlineData(IsolationModel.Database, UserRole.Owner), InlineData(IsolationModel.Database, UserRole.App)]
    public async Task Pg_dump_reads_the_tenants_tables_and_rows(IsolationModel model, UserRole role)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(15);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        await using (NpgsqlConnection app = await world.ConnectAsync(acme)) await app.RunAsync("INSERT INTO notes VALUES (1, 'dumped')");

        // In the shared database a dump names the tenant's schema; a database of its own is dumped whole.
        string[] what = model == IsolationModel.Schema ? ["--schema", acme.Placement.SchemaName] : [];
        string dump = await RunAsync(world, acme, role, "pg_dump", what);

        Assert.Contains("CREATE TABLE " + acme.Placement.SchemaName + ".notes", dump, StringComparison.Ordinal);
        Assert.Contains("1\tdumped", dump, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("relaxed", IsolationModel.Pool), InlineData("relaxed", IsolationModel.Schema), InlineData("relaxed", IsolationModel.Database)]
    [InlineData("strict", IsolationModel.Pool), InlineData("strict", IsolationModel.Schema), InlineData("strict", IsolationModel.Database)]
    public async Task Psql_describes_and_lists(string lockdown, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(15, lockdown);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        string listed = await RunAsync(world, acme, UserRole.App, "psql",
            ["-X", "-v", "ON_ERROR_STOP=1", "-c", @"\d", "-c", @"\d notes", "-c", @"\dn", "-c", @"\df", "-c", @"\du", "-c", @"\l"]);
        Assert.Contains("notes", listed, StringComparison.Ordinal);
    }

    private static async Task<string> RunAsync(ControlWorld world, Tenant tenant, UserRole role, string program, string[] arguments)
    {
        var login = new NpgsqlConnectionStringBuilder(world.ConnectionString(tenant, role));
        var start = new ProcessStartInfo(Binaries.Program(program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in new[]
        {
            ("PGHOST", login.Host!), ("PGPORT", $"{login.Port}"), ("PGUSER", login.Username!), ("PGPASSWORD", login.Password!), ("PGDATABASE", login.Database!),
            ("PGOPTIONS", login.Options!),
        })
        {
            start.Environment[name] = value;
        }
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {await error}");
        return output;
    }
}
