using System.Globalization;
using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Shards;

/// <summary>
/// Another key for the seals of a shard, without a moment in which none counts: the shard takes both, then the registry names the new one and the
/// proxies follow, and once none of them uses the old one it is removed.
/// </summary>
public sealed class SealRotation(ControlPlane control, MasterKey masterKey)
{
    /// <summary>Installs the next key beside the present one and has the proxies use it. Cut off, it is finished by the same call.</summary>
    /// <returns>The number of the key now in use.</returns>
    /// <exception cref="ControlException">The shard is not under lockdown strict; the last rotation is not finished; another master key.</exception>
    public async Task<int> BeginAsync(string name, CancellationToken cancellationToken)
        => (await RunAsync(name, finish: false, cancellationToken)).Kid;

    /// <summary>Removes all keys but the one in use. A proxy that still seals with another has its tenants refused with 42501, so it is not for at once.</summary>
    /// <returns>The number of the key in use, and how many were removed.</returns>
    /// <exception cref="ControlException">The shard is not under lockdown strict, or does not have the key in use.</exception>
    public async Task<(int Kid, int Removed)> FinishAsync(string name, CancellationToken cancellationToken) => await RunAsync(name, finish: true, cancellationToken);

    private async Task<(int Kid, int Removed)> RunAsync(string name, bool finish, CancellationToken cancellationToken)
        => ((int, int))(await new JobRunner(control, masterKey).RunAsync(new RotateSeal { Name = name, Finish = finish }, cancellationToken)).Result!;
}

/// <summary>One half of a rotation: the next key beside the present one, or the present one alone.</summary>
internal sealed record RotateSeal : ShardJob
{
    private const string Target = "kid";

    public override string Kind => "shard.rotate-seal";

    [JsonIgnore]
    public override string Key => Finish ? $"{Subject} finish" : Subject;

    public required bool Finish { get; init; }

    public override async Task RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Shard shard = await job.Store.GetShardAsync(Name, cancellationToken);
        if (shard is not { Lockdown: Lockdown.Strict, PreparedAt: not null })
        {
            throw new ControlException($"shard \"{Name}\" has no seals: its lockdown is not strict", $"Run: proxyctl shard prepare {Name} --lockdown strict");
        }
        // A connection for each part: none is held while the registry is written to.
        var servers = new ShardConnections(shard);
        string[] kids;
        await using (NpgsqlConnection shared = await servers.OpenSharedAsync(cancellationToken))
        {
            await SealedRoles.EnsureAsync(shared, shard, job.MasterKey, cancellationToken);
            await Provisioning.MasterKeyGuard.RequireAsync(shared, job.MasterKey, cancellationToken);
            kids = [.. await shared.QueryAsync("SELECT kid::text FROM tenancy.seal_key ORDER BY 1", row => row.GetString(0), cancellationToken)];
        }
        if (Finish) await FinishAsync(job, shard, servers, kids, cancellationToken);
        else await BeginAsync(job, shard, servers, kids, cancellationToken);
    }

    private async Task BeginAsync(JobContext job, Shard shard, ShardConnections servers, string[] kids, CancellationToken cancellationToken)
    {
        // A run that was cut off may have come as far as the registry: then the next one is the present one already.
        if (job.Note(Target) is null) await job.NoteAsync(Target, Text(shard.SealKid + 1), cancellationToken);
        int next = int.Parse(job.Note(Target)!, CultureInfo.InvariantCulture);
        job.Before(new { SealKid = next - 1 });
        if (kids.Except([Text(next - 1), Text(next)]).Any()) throw new ControlException($"the last rotation on shard \"{Name}\" is not finished", $"Run: proxyctl shard rotate-seal {Name} --finish");
        await job.StepAsync("key", async () =>
        {
            await using NpgsqlConnection shared = await servers.OpenSharedAsync(cancellationToken);
            await SealedRoles.InstallKeyAsync(shared, SealKey.Of(job.MasterKey, shard, next), cancellationToken);
        }, cancellationToken);
        await job.StepAsync("registry", async () =>
        {
            if (shard.SealKid != next) await job.Store.SetShardSealKidAsync(shard, next, cancellationToken);
        }, cancellationToken);
        job.After(new { SealKid = next });
        job.Result = (next, 0);
    }

    private static async Task FinishAsync(JobContext job, Shard shard, ShardConnections servers, string[] kids, CancellationToken cancellationToken)
    {
        job.Before(new { Keys = kids });
        int removed = 0;
        await job.AlwaysAsync("keys", async () =>
        {
            await using NpgsqlConnection shared = await servers.OpenSharedAsync(cancellationToken);
            removed = await SealedRoles.RemoveOtherKeysAsync(shared, shard.SealKid, cancellationToken);
        }, cancellationToken);
        job.IsUnchanged = removed == 0 && !job.IsResumed;
        job.After(new { Keys = new[] { Text(shard.SealKid) } });
        job.Result = (shard.SealKid, removed);
    }

    private static string Text(int kid) => kid.ToString(CultureInfo.InvariantCulture);
}
