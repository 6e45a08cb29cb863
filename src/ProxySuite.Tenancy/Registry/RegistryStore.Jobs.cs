using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

public sealed partial class RegistryStore
{
    private const string JobColumns =
        "j.id, j.kind, j.key, j.tenant_id, j.shard_id, j.state, j.step, j.payload::text, j.progress::text, j.attempts, j.last_error, j.fence, " +
        "j.lease_owner, j.lease_until, j.created_at, j.finished_at, j.subject, j.actor, j.run_after";

    // Leases are compared by the database's clock alone, so workers' clocks do not matter.
    private const string Leasable = "(j.state = 'queued' AND j.run_after <= now() OR j.state = 'running' AND j.lease_until < now())";

    /// <summary>Enters a job, or finds the open one of the same kind and key.</summary>
    public async Task<Job> EnqueueJobAsync(NewJob job, CancellationToken cancellationToken = default)
    {
        const string Insert =
            """
            INSERT INTO system.jobs (id, kind, key, payload, tenant_id, shard_id, subject, actor, run_after)
            VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, coalesce($9::timestamptz, now()))
            ON CONFLICT (kind, key) WHERE finished_at IS NULL DO NOTHING
            """;
        // Between our insert that met an open job and our look at it, the job may end: then there is room for ours.
        while (true)
        {
            var id = Guid.CreateVersion7();
            await GuardAsync(async () =>
            {
                await using NpgsqlCommand command = Command(Insert, id, job.Kind, job.Key, job.PayloadJson, job.Tenant?.Value, job.Shard?.Value,
                    job.Subject, job.Actor, job.RunAfter?.ToUniversalTime());
                return await command.ExecuteNonQueryAsync(cancellationToken);
            });
            Job? found = await QueryOneAsync(
                Command($"SELECT {JobColumns} FROM system.jobs j WHERE j.id = $1 OR j.kind = $2 AND j.key = $3 AND j.finished_at IS NULL", id, job.Kind, job.Key),
                ReadJob, cancellationToken);
            if (found is not null) return found;
        }
    }

    /// <summary>Takes a job for a worker: a given one, or the one that has waited longest.</summary>
    /// <param name="owner">The worker's name.</param>
    /// <param name="duration">How long the lease lasts without <see cref="RenewJobAsync"/>.</param>
    /// <param name="jobId">The job to take; null for any that is due.</param>
    /// <param name="takeOver">Take that job also before its time or from another worker: for whoever holds its subject, which proves that the other is gone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when there is none to take: not due, finished, or leased by another worker.</returns>
    public Task<Job?> LeaseJobAsync(string owner, TimeSpan duration, Guid? jobId = null, bool takeOver = false, CancellationToken cancellationToken = default)
        => QueryOneAsync(
            Command(
                $"""
                UPDATE system.jobs j SET state = 'running', fence = j.fence + 1, attempts = j.attempts + 1, lease_owner = $1,
                  lease_until = now() + $2::interval, updated_at = now()
                WHERE j.id = (SELECT j.id FROM system.jobs j WHERE ({Leasable} OR $4 AND j.id = $3 AND j.finished_at IS NULL) AND ($3::uuid IS NULL OR j.id = $3)
                              ORDER BY j.run_after LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING {JobColumns}
                """, owner, duration, jobId, takeOver),
            ReadJob, cancellationToken);

    /// <summary>Jobs that could be worked on now, the longest due first: for a worker that takes their subject before it leases them.</summary>
    public Task<IReadOnlyList<Job>> ListDueJobsAsync(int limit = 100, CancellationToken cancellationToken = default)
        => QueryAsync(Command($"SELECT {JobColumns} FROM system.jobs j WHERE {Leasable} ORDER BY j.run_after LIMIT $1", limit), ReadJob, cancellationToken);

    /// <summary>Jobs of a subject that were begun and have not ended, oldest first.</summary>
    public Task<IReadOnlyList<Job>> ListBegunJobsAsync(string subject, CancellationToken cancellationToken = default)
        => QueryAsync(
            Command($"SELECT {JobColumns} FROM system.jobs j WHERE j.subject = $1 AND j.finished_at IS NULL AND j.attempts > 0 ORDER BY j.created_at, j.id", subject),
            ReadJob, cancellationToken);

    /// <summary>Ends the job and enters it in the audit log, both or neither: every job is found there once.</summary>
    /// <param name="lease">The worker's lease.</param>
    /// <param name="state">Succeeded or Failed.</param>
    /// <param name="error">Why it failed; null otherwise.</param>
    /// <param name="auditJson">What to enter: an object without secrets; null for nothing, where nothing was done.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RegistryException">LeaseLost.</exception>
    public Task FinishJobAsync(JobLease lease, JobState state, string? error, string? auditJson, CancellationToken cancellationToken = default)
        => GuardAsync(async () =>
        {
            await using NpgsqlCommand command = Command(
                """
                WITH ended AS (
                  UPDATE system.jobs SET state = $3, last_error = $4, lease_owner = NULL, lease_until = NULL, finished_at = now(), updated_at = now()
                  WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING actor, kind, subject),
                entered AS (
                  INSERT INTO system.audit_log (actor, action, subject, outcome, details)
                  SELECT actor, kind, subject, CASE $3 WHEN 'failed' THEN 'failed' ELSE 'done' END, $5::jsonb FROM ended WHERE $5::text IS NOT NULL)
                SELECT count(*) FROM ended
                """, lease.JobId, lease.Fence, EnumText.Of(state), error, auditJson);
            return await command.ExecuteScalarAsync(cancellationToken) is 1L ? true
                : throw new RegistryException(RegistryFailure.LeaseLost, $"job {lease.JobId} belongs to another worker now");
        });

    /// <exception cref="RegistryException">LeaseLost.</exception>
    public Task RenewJobAsync(JobLease lease, TimeSpan duration, CancellationToken cancellationToken = default)
        => ChangeJobAsync(lease, "lease_until = now() + $3::interval", [duration], cancellationToken);

    /// <summary>Notes a step as done, so that whoever takes the job over goes on behind it.</summary>
    /// <exception cref="RegistryException">LeaseLost.</exception>
    public Task SaveJobStepAsync(JobLease lease, string step, string progressJson, CancellationToken cancellationToken = default)
        => ChangeJobAsync(lease, "step = $3, progress = $4::jsonb", [step, progressJson], cancellationToken);

    /// <summary>Gives the job back, to be tried again after a while.</summary>
    /// <exception cref="RegistryException">LeaseLost.</exception>
    public Task RetryJobAsync(JobLease lease, string error, TimeSpan delay, CancellationToken cancellationToken = default)
        => ChangeJobAsync(lease, "state = 'queued', lease_owner = NULL, lease_until = NULL, last_error = $3, run_after = now() + $4::interval",
            [error, delay], cancellationToken);

    /// <summary>Ends the job.</summary>
    /// <param name="lease">The worker's lease.</param>
    /// <param name="state">Succeeded, Failed or Cancelled.</param>
    /// <param name="error">Why it failed; null otherwise.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RegistryException">LeaseLost.</exception>
    public Task FinishJobAsync(JobLease lease, JobState state, string? error = null, CancellationToken cancellationToken = default)
        => state is JobState.Queued or JobState.Running
            ? throw new ArgumentOutOfRangeException(nameof(state), state, "not an end")
            : ChangeJobAsync(lease, "state = $3, last_error = $4, lease_owner = NULL, lease_until = NULL, finished_at = now()",
                [EnumText.Of(state), error], cancellationToken);

    /// <returns>Null when there is none of that id.</returns>
    public Task<Job?> FindJobAsync(Guid id, CancellationToken cancellationToken = default)
        => QueryOneAsync(Command($"SELECT {JobColumns} FROM system.jobs j WHERE j.id = $1", id), ReadJob, cancellationToken);

    /// <summary>Jobs, newest first.</summary>
    /// <param name="openOnly">Leave out those that have ended.</param>
    /// <param name="limit">Most jobs; 1 to 10 000.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<IReadOnlyList<Job>> ListJobsAsync(bool openOnly = false, int limit = 100, CancellationToken cancellationToken = default)
        => QueryAsync(
            Command($"SELECT {JobColumns} FROM system.jobs j WHERE NOT $1 OR j.finished_at IS NULL ORDER BY j.created_at DESC, j.id DESC LIMIT $2", openOnly, limit),
            ReadJob, cancellationToken);

    private Task ChangeJobAsync(JobLease lease, string assignments, object?[] values, CancellationToken cancellationToken)
        => ChangeOneAsync(
            Command($"UPDATE system.jobs SET {assignments}, updated_at = now() WHERE id = $1 AND fence = $2 AND state = 'running'",
                [lease.JobId, lease.Fence, .. values]),
            RegistryFailure.LeaseLost, $"job {lease.JobId} belongs to another worker now", cancellationToken);

    private static Job ReadJob(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0),
        Kind = reader.GetString(1),
        Key = reader.GetString(2),
        Tenant = reader.IsDBNull(3) ? null : new TenantId(reader.GetGuid(3)),
        Shard = reader.IsDBNull(4) ? null : new ShardId(reader.GetInt32(4)),
        State = EnumText.Parse<JobState>(reader.GetString(5)),
        Step = reader.GetString(6),
        PayloadJson = reader.GetString(7),
        ProgressJson = reader.GetString(8),
        Attempts = reader.GetInt32(9),
        LastError = reader.IsDBNull(10) ? null : reader.GetString(10),
        Fence = reader.GetInt64(11),
        LeaseOwner = reader.IsDBNull(12) ? null : reader.GetString(12),
        LeaseUntil = reader.IsDBNull(13) ? null : reader.GetFieldValue<DateTimeOffset>(13),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(14),
        FinishedAt = reader.IsDBNull(15) ? null : reader.GetFieldValue<DateTimeOffset>(15),
        Subject = reader.GetString(16),
        Actor = reader.GetString(17),
        RunAfter = reader.GetFieldValue<DateTimeOffset>(18),
    };
}
