using System.Collections.Concurrent;
using ProxySuite.Control.Audits;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Servers;

namespace ProxySuite.Control.Tests.Audits;

/// <summary>
/// A shard on a server of its own with two tenants in each model, made once a version and lockdown: roles belong to the cluster, and tests of other
/// classes would be strangers to an audit. Tests that use it run one after the other and leave it without findings.
/// </summary>
internal sealed class AuditWorld
{
    private static readonly ConcurrentDictionary<(int, string), Lazy<Task<AuditWorld>>> Worlds = new();

    private AuditWorld(ControlWorld control, PostgresServer server) => (Control, Server) = (control, server);

    public ControlWorld Control { get; }

    public PostgresServer Server { get; }

    public Dictionary<string, Tenant> Tenants { get; } = new(StringComparer.Ordinal);

    public static Task<AuditWorld> GetAsync(int version, string lockdown = "relaxed")
        => Worlds.GetOrAdd((version, lockdown), static key => new(() => MakeAsync(key.Item1, key.Item2))).Value;

    /// <summary>Ends a world that a failed test left a mess in; the next one asked for is new.</summary>
    public static async Task ForgetAsync(int version, string lockdown)
    {
        if (!Worlds.TryRemove((version, lockdown), out Lazy<Task<AuditWorld>>? world)) return;
        await (await world.Value).Server.DisposeAsync();
    }

    public async Task<AuditReport> AuditAsync(string tenantColumn = "tenant_id")
        => await new AuditService(Control.Control).RunAsync(new AuditRequest { MasterKey = Control.Key(), TenantColumn = tenantColumn }, CancellationToken.None);

    /// <summary>SQL of a test with the names in it: <c>{a}</c>, <c>{b}</c> are roles of pool tenants, <c>{sa}</c>, <c>{sb}</c> of schema, <c>{da}</c>, <c>{db}</c> of database tenants; upper case is their schema or database.</summary>
    public string Fill(string text)
    {
        foreach ((string name, Tenant tenant) in Tenants)
        {
            text = text.Replace($"{{{name}}}", BackendNames.Role(tenant.Id, UserRole.App), StringComparison.Ordinal)
                .Replace($"{{{name}.id}}", tenant.Id.ToString(), StringComparison.Ordinal)
                .Replace($"{{{name.ToUpperInvariant()}}}", BackendNames.Schema(tenant.Id), StringComparison.Ordinal);
        }
        return text.Replace("{shared}", Control.ShardDatabase, StringComparison.Ordinal);
    }

    public Task ExecuteAsync(string sql, string? database = null) => Server.ExecuteAsync(Fill(sql), database ?? Control.ShardDatabase);

    private static async Task<AuditWorld> MakeAsync(int version, string lockdown)
    {
        PostgresServer server = await PostgresServer.CreateAsync(new PostgresOptions
        {
            Version = version,
            Settings = new Dictionary<string, string> { ["max_prepared_transactions"] = "0" },
        });
        var world = new AuditWorld(await ControlWorld.PreparedAsync(server, lockdown), server);
        foreach ((string prefix, IsolationModel model) in ((string, IsolationModel)[])[("", IsolationModel.Pool), ("s", IsolationModel.Schema), ("d", IsolationModel.Database)])
        {
            foreach (string letter in (string[])["a", "b"])
            {
                world.Tenants[prefix + letter] = await world.Control.TenantAsync($"tenant-{prefix}{letter}", model, Servers.NotesTemplate(model));
            }
        }
        return world;
    }
}
