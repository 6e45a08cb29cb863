using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Tests.Support;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

[Collection(SharedServer.Name)]
[Trait("Category", "Server")]
public sealed class RegistryJobTests(RegistryDatabases databases)
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task The_same_intent_is_one_job_until_it_ends()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        var intent = new NewJob("tenant.create", "acme", """{"plan": "free"}""");
        Job[] jobs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => world.Store.EnqueueJobAsync(intent)));
        Job job = Assert.Single(jobs.DistinctBy(each => each.Id));

        Job leased = (await world.Store.LeaseJobAsync("w1", Long, job.Id))!;
        await world.Store.FinishJobAsync(new JobLease(job.Id, leased.Fence), JobState.Succeeded);
        Assert.NotEqual(job.Id, (await world.Store.EnqueueJobAsync(intent)).Id);
    }

    [Fact]
    public async Task A_job_is_leased_by_one_worker_of_many()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.Store.EnqueueJobAsync(new NewJob("audit", "s1"));
        Job?[] leases = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => world.Store.LeaseJobAsync($"w{i}", Long)));
        Assert.Single(leases, lease => lease is not null);
    }

    [Fact]
    public async Task A_worker_whose_lease_was_taken_over_can_write_no_more()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        Job job = await world.Store.EnqueueJobAsync(new NewJob("audit", "s1"));
        Job first = (await world.Store.LeaseJobAsync("w1", Long, job.Id))!;
        await world.Store.SaveJobStepAsync(new JobLease(job.Id, first.Fence), "half", """{"rows": 5}""");
        await world.Database.ExecuteAsync("UPDATE system.jobs SET lease_until = now() - interval '1 s'");
        Job second = (await world.Store.LeaseJobAsync("w2", Long, job.Id))!;
        Assert.Equal(("half", """{"rows": 5}""", 2, "w2"), (second.Step, second.ProgressJson, second.Attempts, second.LeaseOwner));

        var stale = new JobLease(job.Id, first.Fence);
        foreach (Func<Task> write in new Func<Task>[]
        {
            () => world.Store.RenewJobAsync(stale, Long), () => world.Store.SaveJobStepAsync(stale, "x", "{}"),
            () => world.Store.RetryJobAsync(stale, "x", TimeSpan.Zero), () => world.Store.FinishJobAsync(stale, JobState.Failed, "x"),
        })
        {
            Assert.Equal(RegistryFailure.LeaseLost, (await Assert.ThrowsAsync<RegistryException>(write)).Failure);
        }
        await world.Store.RenewJobAsync(new JobLease(job.Id, second.Fence), Long);
    }

    [Fact]
    public async Task A_job_given_back_waits_for_its_time()
    {
        await using RegistryWorld world = await RegistryWorld.EmptyAsync(databases);
        await world.Store.EnqueueJobAsync(new NewJob("audit", "s1"));
        Job leased = (await world.Store.LeaseJobAsync("w1", Long))!;
        await world.Store.RetryJobAsync(new JobLease(leased.Id, leased.Fence), "shard away", Long);
        Assert.Null(await world.Store.LeaseJobAsync("w1", Long));
        Assert.Equal("shard away", Assert.Single(await world.Store.ListJobsAsync(openOnly: true)).LastError);

        await world.Database.ExecuteAsync("UPDATE system.jobs SET run_after = now()");
        Assert.NotNull(await world.Store.LeaseJobAsync("w1", Long));
    }
}
