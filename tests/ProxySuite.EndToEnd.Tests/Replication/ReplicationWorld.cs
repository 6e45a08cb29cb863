using System.Runtime.CompilerServices;
using System.Text;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Frames;

namespace ProxySuite.EndToEnd.Tests.Replication;

/// <summary>Two tenants with a database of their own on each of PostgreSQL 15 and 18, of which one may replicate; made once in the platform that tests share.</summary>
internal sealed class ReplicationWorld
{
    private static readonly ConditionalWeakTable<ProxydWorld, Lazy<Task<ReplicationWorld>>> Made = [];

    private readonly Dictionary<int, (TestTenant Own, TestTenant Victim)> _tenants = [];

    /// <summary>What proxyctl said when the shard did not bound what slots keep.</summary>
    public string Unbounded { get; private set; } = "";

    public static Task<ReplicationWorld> OfAsync(ProxydWorld world)
        => Made.GetValue(world, static one => new Lazy<Task<ReplicationWorld>>(() => MakeAsync(one))).Value;

    private static async Task<ReplicationWorld> MakeAsync(ProxydWorld world)
    {
        var made = new ReplicationWorld();
        await world.ProxyctlAsync("plan", "set", "stream", "--connections", "12", "--statement-timeout", "2s", "--work-mem", "16MB", "--replication", "on");
        foreach ((int version, string shard, PostgresServer server) in ((int, string, PostgresServer)[])[(15, "s1", world.Shard15), (18, "s2", world.Shard18)])
        {
            TestTenant own = await world.CreateTenantAsync($"stream{version}", "growth", "database", shard), victim = await world.CreateTenantAsync($"prey{version}", "growth", "database", shard);
            try
            {
                await world.ProxyctlAsync("tenant", "set-plan", own.Slug, "stream");
            }
            catch (InvalidOperationException refused)
            {
                made.Unbounded += refused.Message;
            }
            await server.ExecuteAsync("ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'");
            await server.ExecuteAsync("SELECT pg_reload_conf()");
            await PollAsync(async () => await server.ScalarAsync<string>("SHOW max_slot_wal_keep_size") == "1GB", "the bound");
            await world.ProxyctlAsync("tenant", "set-plan", own.Slug, "stream");
            await world.ProxyctlAsync("tenant", "set-plan", victim.Slug, "stream");
            made._tenants[version] = (own, victim);
        }
        return made;
    }

    /// <summary>The tenant that may replicate, without slots that a test before left.</summary>
    public async Task<TestTenant> OwnAsync(int version)
    {
        TestTenant own = _tenants[version].Own;
        string slots = $"FROM pg_replication_slots WHERE starts_with(slot_name, '{PrefixOf(own)}')";
        await own.Shard.ExecuteAsync($"SELECT pg_terminate_backend(active_pid) {slots} AND active");
        await PollAsync(async () => await own.Shard.ScalarAsync<long>($"SELECT count(*) {slots} AND active") == 0, "the end of former streams");
        await own.Shard.ExecuteAsync($"SELECT pg_drop_replication_slot(slot_name) {slots}");
        return own;
    }

    public TestTenant Victim(int version) => _tenants[version].Victim;

    public static string PrefixOf(TestTenant tenant) => BackendNames.SlotPrefix(new TenantId(tenant.Id));

    /// <summary>A replication connection of a tenant's owner.</summary>
    public static Task<RawClient> ConnectAsync(Proxyd proxyd, TestTenant tenant)
        => proxyd.LoginRawAsync(tenant, "owner", [new("replication", "database")]);

    public static async Task PollAsync(Func<Task<bool>> isSo, string what, int seconds = 30)
    {
        for (long end = Environment.TickCount64 + (seconds * 1000L); !await isSo(); await Task.Delay(50))
        {
            if (Environment.TickCount64 > end) throw new TimeoutException($"{what} did not come about");
        }
    }

    /// <summary>Starts a stream and waits until it is on.</summary>
    public static async Task StartAsync(RawClient client, string slot, string options = "(\"include-xids\" '0')")
    {
        await client.SendAsync(FrontendBytes.Query($"START_REPLICATION SLOT \"{slot}\" LOGICAL 0/0 {options}"));
        await client.ReadUntilAsync(BackendMessage.CopyBothResponse);
    }

    /// <summary>Reads a stream of test_decoding until a change holds a text.</summary>
    public static async Task<string> ReadUntilAsync(RawClient client, string text, TimeSpan? timeout = null)
    {
        var seen = new StringBuilder();
        while (await client.NextAsync(timeout ?? TimeSpan.FromSeconds(30)) is { } message)
        {
            if (message.Type == 'E') throw new InvalidOperationException(message.ToString());
            // XLogData: 'w', three Int64, then the plug-in's text; keepalives are 'k'.
            if (message.Type != 'd' || message.Body[0] != 'w') continue;
            seen.AppendLine(Encoding.UTF8.GetString(message.Body[25..]));
            if (seen.ToString().Contains(text, StringComparison.Ordinal)) return seen.ToString();
        }
        throw new InvalidOperationException($"the stream ended without \"{text}\":\n{seen}");
    }
}
