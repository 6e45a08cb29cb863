using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Jobs;

/// <summary>
/// Carries jobs through. A job is entered in the registry first; each of its steps may be repeated; whoever comes next to the same subject finishes what was cut off
/// before he begins. So a program may be killed at any moment, and the same command, another one, or a worker brings things to an end.
/// </summary>
/// <remarks>
/// Two things keep workers apart. The lock on the subject is held by a session, so a program that is gone holds nothing. The lease's fence is part of every write to the
/// job, so one that merely seemed gone can write to it no more.
/// </remarks>
internal sealed class JobRunner(ControlPlane control, MasterKey? masterKey = null)
{
    // Renewed with every step; only shown and compared by others, as the lock on the subject decides.
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(5);

    /// <summary>After a failure that may pass, how long a worker leaves a job alone.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(30);

    /// <summary>Enters a job and carries it through, with what was begun on its subject before.</summary>
    /// <returns>What the job left for its caller.</returns>
    /// <exception cref="ControlException">It cannot be done, or not now; either way the audit log says so.</exception>
    public async Task<JobContext> RunAsync(ControlJob work, CancellationToken cancellationToken)
    {
        await ValidateAsync(work, cancellationToken);
        await using IAsyncDisposable mine = await control.LockAsync(work.Subject, cancellationToken);
        string payload = JobKinds.Payload(work);
        foreach (Job begun in await control.Store.ListBegunJobsAsync(work.Subject, cancellationToken))
        {
            bool isOurs = begun.Kind == work.Kind && begun.Key == work.Key && JobKinds.IsSame(begun.PayloadJson, payload);
            if (!isOurs) await FinishBegunAsync(begun, cancellationToken);
        }
        Job job = await control.Store.EnqueueJobAsync(
            new NewJob(work.Kind, work.Key, payload) { Subject = work.Subject, Actor = control.Actor }, cancellationToken);
        return await CarryOutAsync(job, work, cancellationToken);
    }

    /// <summary>Carries through all jobs that are due: those scheduled for now, and those that were cut off.</summary>
    /// <returns>Kind, subject and outcome of each.</returns>
    public async Task<IReadOnlyList<(Job Job, string? Error)>> RunDueAsync(CancellationToken cancellationToken)
    {
        var done = new List<(Job, string?)>();
        IReadOnlyList<Job> all = await control.Store.ListDueJobsAsync(cancellationToken: cancellationToken);
        int number = 0;
        foreach (Job due in all)
        {
            control.Tell($"{due.Kind} of {due.Subject}", number++, all.Count);
            // Somebody at work on it holds its subject: nothing to wait for.
            await using IAsyncDisposable? mine = await control.TryLockAsync(due.Subject, cancellationToken);
            if (mine is null || await control.Store.FindJobAsync(due.Id, cancellationToken) is not { FinishedAt: null } job) continue;
            try
            {
                await CarryOutAsync(job, JobKinds.Read(job), cancellationToken);
                done.Add((job, null));
            }
            catch (Exception failed) when (IsFailure(failed))
            {
                done.Add((job, failed.Message));
            }
        }
        return done;
    }

    private async Task ValidateAsync(ControlJob work, CancellationToken cancellationToken)
    {
        try
        {
            work.Validate();
        }
        catch (ControlException refused)
        {
            await LogRefusalAsync(control, work.Kind, work.Subject, refused.Message, cancellationToken);
            throw;
        }
    }

    /// <summary>Enters in the audit log that something was asked for and refused before it became a job.</summary>
    internal static async Task LogRefusalAsync(ControlPlane control, string kind, string subject, string reason, CancellationToken cancellationToken)
    {
        try
        {
            string details = new JsonObject { ["error"] = reason }.ToJsonString(ControlPlane.JsonOptions);
            await control.Store.AppendAuditAsync(new AuditEntry(control.Actor, kind, subject, Done: false, details), cancellationToken);
        }
        catch (Exception unwritten) when (IsFailure(unwritten))
        {
            // The registry is away: the caller hears why he is refused all the same.
        }
    }

    private async Task FinishBegunAsync(Job begun, CancellationToken cancellationToken)
    {
        try
        {
            await CarryOutAsync(begun, JobKinds.Read(begun), cancellationToken);
        }
        catch (Exception failed) when (IsFailure(failed))
        {
            // It failed for good and is on record, or cannot be finished now: then nothing new may be begun on top of it.
            if (await control.Store.FindJobAsync(begun.Id, cancellationToken) is { FinishedAt: null })
            {
                throw new ControlException($"{begun.Kind} of {begun.Subject} was cut off and cannot be finished now: {failed.Message}",
                    (failed as ControlException)?.Hint ?? "Mend that first; proxyctl job list shows it.", failed);
            }
        }
    }

    private async Task<JobContext> CarryOutAsync(Job job, ControlJob work, CancellationToken cancellationToken)
    {
        await control.Reached($"{work.Kind} entered");
        Job leased = await control.Store.LeaseJobAsync(control.Actor, LeaseTime, job.Id, takeOver: true, cancellationToken)
            ?? throw new RegistryException(RegistryFailure.LeaseLost, $"job {job.Id} has ended meanwhile");
        var context = new JobContext(control, leased, control.Actor, masterKey);
        await control.Reached($"{work.Kind} leased");
        try
        {
            await work.RunAsync(context, cancellationToken);
        }
        catch (Exception failed) when (IsFailure(failed) || failed is OperationCanceledException)
        {
            await NoteFailureAsync(context, failed);
            throw;
        }
        await control.Store.FinishJobAsync(context.Lease, JobState.Succeeded, null, context.AuditJson(null), cancellationToken);
        return context;
    }

    /// <summary>A refusal ends the job; what may pass leaves it for the next run.</summary>
    private async Task NoteFailureAsync(JobContext context, Exception failed)
    {
        // Also when the caller has given up: but not for long.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            if (IsFinal(failed)) await control.Store.FinishJobAsync(context.Lease, JobState.Failed, failed.Message, context.AuditJson(failed.Message), limit.Token);
            else await control.Store.RetryJobAsync(context.Lease, failed is OperationCanceledException ? "interrupted" : failed.Message, RetryDelay, limit.Token);
        }
        catch (Exception unwritten) when (IsFailure(unwritten) || unwritten is OperationCanceledException)
        {
            // The registry is away: the job stays as it is, and the lock on its subject is what counts.
        }
    }

    private static bool IsFinal(Exception failed) => failed switch
    {
        ControlException control => !control.IsTransient,
        RegistryException refused => refused.Failure is not (RegistryFailure.LeaseLost or RegistryFailure.VersionChanged),
        PostgresException refused => !refused.IsTransient,
        MasterKeyException => true,
        _ => false,
    };

    private static bool IsFailure(Exception failed)
        => failed is ControlException or RegistryException or RegistryUnavailableException or RegistryDataException or NpgsqlException or TimeoutException or MasterKeyException
            or IOException or System.Net.Sockets.SocketException or JsonException;
}
