using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Shards;

/// <summary>Something done to one shard.</summary>
internal abstract record ShardJob : ControlJob
{
    public required string Name { get; init; }

    [JsonIgnore]
    public override string Subject => $"shard {Name}";

    /// <summary>As the audit log keeps it: DSNs without their passwords.</summary>
    protected static object Facts(Shard shard) => new
    {
        Primary = shard.AdminDsn!.ToString(),
        Replica = shard.ReplicaDsn?.ToString(),
        shard.Region,
        shard.TenantsMax,
        shard.ConnectionsMax,
    };
}

internal sealed record AddShard : ShardJob
{
    public override string Kind => "shard.add";

    /// <value>Holds passwords, and so is with the caller alone.</value>
    [JsonIgnore]
    public NewShard? Shard { get; init; }

    public override void Validate()
    {
        if (Shard is not null && ShardRules.WhyRefused(Shard) is { } reason) throw new ControlException(reason);
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard? found = await job.Store.FindShardAsync(Name, cancellationToken);
        if (Shard is null)
        {
            if (found is null) throw new ControlException($"shard \"{Name}\" was not entered before the command was cut off", "Give the command again.");
            job.After(Facts(found));
            return;
        }
        if (found is not null)
        {
            bool same = found.AdminDsn!.Reveal() == Shard.Primary.Reveal() && found.ReplicaDsn?.Reveal() == Shard.Replica?.Reveal()
                && found.Region == Shard.Region && found.TenantsMax == Shard.TenantsMax && found.ConnectionsMax == Shard.ConnectionsMax;
            if (!same) throw new ControlException($"shard \"{Name}\" exists already, and otherwise", $"See: proxyctl shard show {Name}; change it with proxyctl shard set.");
            job.IsUnchanged = !job.IsResumed;
        }
        await job.StepAsync("registry", async () => found ??= await job.Store.InsertShardAsync(Shard, cancellationToken), cancellationToken);
        job.After(Facts(found!));
        job.Result = found;
    }
}

internal sealed record SetShard : ShardJob
{
    public override string Kind => "shard.set";

    [JsonIgnore]
    public Dsn? Primary { get; init; }

    [JsonIgnore]
    public Dsn? Replica { get; init; }

    public bool RemoveReplica { get; init; }

    public string? Region { get; init; }

    public int? TenantsMax { get; init; }

    public int? ConnectionsMax { get; init; }

    public override void Validate()
    {
        if (ShardRules.WhyRefused(Region, TenantsMax, ConnectionsMax) is { } reason) throw new ControlException(reason);
        if (Replica is not null && RemoveReplica) throw new ControlException("a replica is either named or removed");
    }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard before = await job.Store.GetShardAsync(Name, cancellationToken);
        job.Before(Facts(before));
        if (Primary is not null && before.PreparedAt is not null) await RequireSameClusterAsync(before, Primary, cancellationToken);
        await job.StepAsync("dsns", async () =>
        {
            if (Primary is not null || Replica is not null || RemoveReplica)
            {
                await job.Store.SetShardDsnsAsync(before, Primary ?? before.AdminDsn!, RemoveReplica ? null : Replica ?? before.ReplicaDsn, cancellationToken);
            }
        }, cancellationToken);
        await job.StepAsync("limits", async () =>
        {
            Shard shard = await job.Store.GetShardAsync(Name, cancellationToken);
            await job.Store.UpdateShardAsync(shard with
            {
                Region = Region ?? shard.Region, TenantsMax = TenantsMax ?? shard.TenantsMax, ConnectionsMax = ConnectionsMax ?? shard.ConnectionsMax,
            }, cancellationToken);
        }, cancellationToken);
        Shard after = await job.Store.GetShardAsync(Name, cancellationToken);
        job.After(Facts(after));
        job.Result = after;
    }

    // Somebody else's cluster under this name would send every tenant's clients to databases that are not theirs, or are not there.
    private static async Task RequireSameClusterAsync(Shard before, Dsn primary, CancellationToken cancellationToken)
    {
        const string Identity = "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || current_database()";
        string? known;
        try
        {
            await using NpgsqlConnection old = await new ShardConnections(before).OpenSharedAsync(cancellationToken);
            known = await old.ScalarAsync<string>(Identity, cancellationToken);
        }
        catch (ControlException)
        {
            // The usual reason for another DSN: the old address is dead. What the shard says of itself has to do then: it was prepared by us.
            known = null;
        }
        await using NpgsqlConnection next = await new ShardConnections(before with { AdminDsn = primary }).OpenSharedAsync(cancellationToken);
        bool isPrepared = await next.ScalarAsync<bool>("SELECT to_regclass('proxysuite.schema_ledger') IS NOT NULL", cancellationToken);
        if (!isPrepared || (known is not null && await next.ScalarAsync<string>(Identity, cancellationToken) != known))
        {
            throw new ControlException($"{primary} is not the cluster and database of shard \"{before.Name}\"", "Add it as a shard of its own: proxyctl shard add NAME --primary DSN");
        }
    }
}

internal sealed record DrainShard : ShardJob
{
    public override string Kind => "shard.drain";

    public required bool Accepting { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard shard = await job.Store.GetShardAsync(Name, cancellationToken);
        job.Before(new { shard.Accepting });
        job.After(new { Accepting });
        await job.StepAsync("registry", async () =>
        {
            if (shard.Accepting == Accepting) job.IsUnchanged = true;
            else await job.Store.UpdateShardAsync(shard with { Accepting = Accepting }, cancellationToken);
        }, cancellationToken);
        job.Result = await job.Store.GetShardAsync(Name, cancellationToken);
    }
}

internal sealed record PrepareShard : ShardJob
{
    public override string Kind => "shard.prepare";

    public Lockdown? Lockdown { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard shard = await job.Store.GetShardAsync(Name, cancellationToken);
        Lockdown level = Lockdown ?? shard.Lockdown;
        job.Before(new { shard.Lockdown, shard.PreparedAt });
        // Stricter on the server than in the registry is harmless, the other way round is not: what a crash leaves must be on the safe side.
        if (level == Tenancy.Model.Lockdown.Relaxed && shard is { Lockdown: Tenancy.Model.Lockdown.Strict, PreparedAt: not null })
        {
            await job.Store.MarkShardPreparedAsync(shard.Id, level, cancellationToken);
        }
        ShardReport? report = null;
        await job.AlwaysAsync("server", async () => report = await ShardPreparation.PrepareAsync(shard, level, await OwnDatabasesAsync(job, cancellationToken), level == Tenancy.Model.Lockdown.Strict ? job.MasterKey : null, cancellationToken, job.Control.Tell), cancellationToken);
        await job.StepAsync("registry", () => job.Store.MarkShardPreparedAsync(shard.Id, level, cancellationToken), cancellationToken);
        job.After(new { Lockdown = level, report!.ServerVersion });
        job.Result = report;
    }

    private async Task<List<string>> OwnDatabasesAsync(JobContext job, CancellationToken cancellationToken)
        => [.. (await AllTenants.OfShardAsync(job.Store, Name, cancellationToken))
            .Where(entry => entry.Tenant.Isolation == IsolationModel.Database).Select(entry => entry.Tenant.Placement.Database)];
}

internal sealed record RemoveShard : ShardJob
{
    public override string Kind => "shard.remove";

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard? shard = await job.Store.FindShardAsync(Name, cancellationToken);
        if (shard is null && job.IsResumed) return;
        if (shard is null) throw new RegistryException(RegistryFailure.NotFound, $"there is no shard \"{Name}\"");
        job.Before(Facts(shard));
        await job.StepAsync("registry", async () =>
        {
            try
            {
                await job.Store.DeleteShardAsync(shard, cancellationToken);
            }
            catch (RegistryException inUse) when (inUse.Failure == RegistryFailure.InUse)
            {
                throw new ControlException($"shard \"{Name}\" holds tenants", $"See them: proxyctl tenant list --shard {Name}; deleted ones go with proxyctl tenant purge.", inUse);
            }
        }, cancellationToken);
    }
}
