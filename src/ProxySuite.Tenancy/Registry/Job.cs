using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>Where a job stands.</summary>
public enum JobState
{
    Queued,    // waits for a worker, or for its time to try again
    Running,   // leased by a worker; after the lease another may take it over
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>A job to be done once.</summary>
/// <param name="Kind">What to do, such as <c>tenant.create</c>; 1 to 63 of [a-z0-9_.-].</param>
/// <param name="Key">Names the intent: while a job of this kind and key is open, asking again gives that job.</param>
/// <param name="PayloadJson">What it needs to know; a JSON object without secrets.</param>
/// <param name="Tenant">The tenant concerned, if one is.</param>
/// <param name="Shard">The shard concerned, if one is.</param>
public sealed record NewJob(string Kind, string Key, string PayloadJson = "{}", TenantId? Tenant = null, ShardId? Shard = null)
{
    /// <value>What it is done to, such as <c>tenant acme</c>: one job at a time works on a subject. Empty for a job that minds no other.</value>
    public string Subject { get; init; } = "";

    /// <value>Who asked for it.</value>
    public string Actor { get; init; } = "";

    /// <value>When it is due; null for now.</value>
    public DateTimeOffset? RunAfter { get; init; }
}

/// <summary>A durable piece of work of the control plane.</summary>
public sealed record Job
{
    public required Guid Id { get; init; }

    public required string Kind { get; init; }

    public required string Key { get; init; }

    public string Subject { get; init; } = "";

    public string Actor { get; init; } = "";

    public TenantId? Tenant { get; init; }

    public ShardId? Shard { get; init; }

    public required JobState State { get; init; }

    /// <value>The last step done; empty before the first.</value>
    public required string Step { get; init; }

    public required string PayloadJson { get; init; }

    public required string ProgressJson { get; init; }

    /// <value>How often it was leased.</value>
    public required int Attempts { get; init; }

    public string? LastError { get; init; }

    /// <value>Rises with every lease; see <see cref="JobLease"/>.</value>
    public required long Fence { get; init; }

    public string? LeaseOwner { get; init; }

    public DateTimeOffset? LeaseUntil { get; init; }

    public DateTimeOffset RunAfter { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>The right to work on a job. Every write names the fence, so a worker whose lease was taken over can write no more.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Fence">Its fence when the lease was given.</param>
public readonly record struct JobLease(Guid JobId, long Fence);
