using Npgsql;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>Suspending and resuming a tenant, as its sessions on the shard see it.</summary>
[Trait("Category", "Server")]
public sealed class TenantLifecycleTests
{
    [Theory, MemberData(nameof(Servers.VersionsAndModels), MemberType = typeof(Servers))]
    public async Task A_suspended_tenant_is_out_at_once_and_back_with_all_its_rows(int version, IsolationModel model)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(version);
        Tenant acme = await world.TenantAsync("acme", model, Servers.NotesTemplate(model));
        Tenant globex = await world.TenantAsync("globex", model, Servers.NotesTemplate(model));
        await using NpgsqlConnection open = await world.ConnectAsync(acme);
        await using NpgsqlConnection neighbour = await world.ConnectAsync(globex);
        await open.RunAsync("INSERT INTO notes (id, text) VALUES (1, 'kept')");

        await world.MustAsync("tenant", "suspend", "acme", "--reason", "unpaid");
        await world.MustAsync("tenant", "suspend", "acme", "--reason", "unpaid");

        // 57P01 while the connection is still read, a broken connection afterwards: either way it is over.
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => open.RunAsync("SELECT 1"));
        PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => world.ConnectAsync(acme));
        Assert.Equal("28000", refused.SqlState);
        Assert.Equal(TenantState.Suspended, (await world.EntryAsync("acme")).Tenant.State);
        Assert.Equal("unpaid", (await world.EntryAsync("acme")).Tenant.SuspendReason);
        Assert.Equal(1, await neighbour.RunAsync("INSERT INTO notes (id) VALUES (1)"));

        await world.MustAsync("tenant", "resume", "acme");
        await using NpgsqlConnection back = await world.ConnectAsync((await world.EntryAsync("acme")).Tenant);
        Assert.Equal("kept", await back.ReadAsync<string>("SELECT text FROM notes"));
        Assert.Equal(TenantState.Active, (await world.EntryAsync("acme")).Tenant.State);
    }
}
