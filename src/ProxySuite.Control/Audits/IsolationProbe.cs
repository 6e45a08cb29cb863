using System.Collections.Immutable;
using System.Net;
using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Audits;

/// <summary>One attempt of one probe tenant on the other, through the proxy.</summary>
/// <param name="Seen">What it found or changed; null when it held.</param>
public sealed record ProbeResult(string Shard, string Model, string Attempt, string? Seen)
{
    public bool Held => Seen is null;
}

/// <summary>
/// Proves through the proxy's own port that tenants are kept apart: on each shard and in each model two throw-away tenants try to read and change each
/// other's rows, see each other's statements and end each other's sessions. Nothing of them stays.
/// </summary>
/// <param name="proxy">Host and port of a proxy that serves this registry.</param>
public sealed class IsolationProbe(ControlPlane control, MasterKey masterKey, DnsEndPoint proxy)
{
    private const string Marker = "probe marker";

    /// <param name="shard">Null for all that are prepared.</param>
    /// <param name="plan">Plan of the probe tenants.</param>
    /// <exception cref="ControlException">No such shard, the proxy cannot be logged in to, or a shard has no room.</exception>
    public async Task<ImmutableArray<ProbeResult>> RunAsync(string? shard, string plan, CancellationToken cancellationToken)
    {
        await ProbePair.RemoveLeftoversAsync(control, cancellationToken);
        var results = ImmutableArray.CreateBuilder<ProbeResult>();
        foreach (Shard each in (await control.Store.ListShardsAsync(cancellationToken)).Select(summary => summary.Shard))
        {
            if (each.PreparedAt is null || (shard is not null && shard != each.Name)) continue;
            Shard full = await control.Store.GetShardAsync(each.Name, cancellationToken);
            IEnumerable<(IsolationModel Model, TenantIdentity Identity)> kinds = Enum.GetValues<IsolationModel>().Select(model => (model, TenantIdentity.Role));
            if (full.Lockdown == Lockdown.Strict) kinds = kinds.Append((IsolationModel.Pool, TenantIdentity.Sealed));
            foreach ((IsolationModel model, TenantIdentity identity) in kinds)
            {
                string name = identity == TenantIdentity.Sealed ? $"{EnumText.Of(model)}, sealed" : EnumText.Of(model);
                await using ProbePair pair = await ProbePair.MakeAsync(control, masterKey, full, model, identity, plan, cancellationToken);
                results.AddRange((await ProbeAsync(pair, cancellationToken)).Select(result => result with { Shard = each.Name, Model = name }));
            }
        }
        return results.Count > 0 ? results.ToImmutable() : throw new ControlException(shard is null ? "no shard is prepared" : $"there is no prepared shard \"{shard}\"");
    }

    private async Task<List<ProbeResult>> ProbeAsync(ProbePair pair, CancellationToken cancellationToken)
    {
        var results = new List<ProbeResult>();
        for (int side = 0; side < 2; side++)
        {
            ((Tenant victim, Secret victimPassword), (Tenant attacker, Secret attackerPassword)) = (pair.Tenants[side], pair.Tenants[1 - side]);
            ProbeTarget target = pair.TargetOf(victim);
            await using NpgsqlConnection owner = await OpenAsync(victim, victimPassword, cancellationToken);
            await owner.ExecuteAsync($"INSERT INTO {target.OwnTable} (id, note) VALUES (1, 'mine')", cancellationToken);

            // The victim's last statement stays in the view while its session idles.
            await owner.ExecuteAsync($"SELECT '{Marker}'", cancellationToken);
            foreach ((string name, string sql) in ProbeAttacks.Readers(target))
            {
                await using NpgsqlConnection b = await OpenAsync(attacker, attackerPassword, cancellationToken);
                results.Add(new ProbeResult("", "", name, await ProbeAttacks.ReadAsync(b, sql, cancellationToken)));
            }
            foreach ((string name, string sql) in ProbeAttacks.Writers(target))
            {
                await using NpgsqlConnection b = await OpenAsync(attacker, attackerPassword, cancellationToken);
                await ProbeAttacks.TryAsync(b, sql, cancellationToken);
                results.Add(new ProbeResult("", "", name, await DamageAsync(owner, target, cancellationToken)));
            }
            results.AddRange(await InterfereAsync(owner, attacker, attackerPassword, cancellationToken));
            results.Add(new ProbeResult("", "", "log in to the other with one's own password", await GetsInAsync(victim, attackerPassword, cancellationToken)));
        }
        return results;
    }

    private static async Task<string?> DamageAsync(NpgsqlConnection owner, ProbeTarget target, CancellationToken cancellationToken)
    {
        try
        {
            string? rows = await owner.ScalarAsync<string>($"SELECT string_agg(id || ' ' || note, ', ' ORDER BY id) FROM {target.OwnTable} WHERE note <> 'mine' OR id = 1", cancellationToken);
            return rows == "1 mine" ? null : $"its rows are now: {rows ?? "none"}";
        }
        catch (PostgresException gone)
        {
            return gone.MessageText;
        }
    }

    private async Task<List<ProbeResult>> InterfereAsync(NpgsqlConnection owner, Tenant attacker, Secret password, CancellationToken cancellationToken)
    {
        var results = new List<ProbeResult>();
        foreach (string function in (string[])["pg_cancel_backend", "pg_terminate_backend"])
        {
            int pid = await owner.ScalarAsync<int>("SELECT pg_backend_pid()", cancellationToken);
            Task<int> working = owner.ExecuteAsync("SELECT pg_sleep(0.5)", cancellationToken);
            await using (NpgsqlConnection b = await OpenAsync(attacker, password, cancellationToken)) await ProbeAttacks.TryAsync(b, $"SELECT {function}({pid})", cancellationToken);
            string? seen = null;
            try
            {
                await working;
            }
            catch (NpgsqlException ended)
            {
                seen = ended.Message;
            }
            results.Add(new ProbeResult("", "", $"{function} on the other's server", seen));
            if (owner.State != System.Data.ConnectionState.Open) await owner.OpenAsync(cancellationToken);
        }
        return results;
    }

    private async Task<string?> GetsInAsync(Tenant victim, Secret password, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection = await OpenAsync(victim, password, cancellationToken);
            return "logged in";
        }
        catch (ControlException)
        {
            return null;
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(Tenant tenant, Secret password, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = proxy.Host,
            Port = proxy.Port,
            Database = tenant.Slug.Value,
            Username = "app",
            Password = password.Reveal(),
            SslMode = SslMode.Prefer,
            Pooling = false,
            Timeout = 15,
            CommandTimeout = 30,
            ApplicationName = "proxyctl probe",
        }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (Exception failed) when (failed is NpgsqlException or TimeoutException)
        {
            await connection.DisposeAsync();
            throw new ControlException($"the proxy {proxy.Host}:{proxy.Port} does not let the probe tenant in: {failed.InnerException?.Message ?? failed.Message}",
                "See that it serves this registry, and that its host rules let this machine in.", failed);
        }
    }
}
