using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.BadInput;

/// <summary>Two clients that do as they should: one asks all the time on one connection, the other logs in anew for each question.</summary>
public sealed class GoodClients : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _stays;
    private readonly Task _comesAndGoes;
    private long _queries, _logins;

    public GoodClients(Proxyd proxyd, TestTenant tenant)
    {
        _stays = Task.Run(() => StayAsync(proxyd, tenant));
        _comesAndGoes = Task.Run(() => ComeAndGoAsync(proxyd, tenant));
    }

    public long Queries => Interlocked.Read(ref _queries);

    public long Logins => Interlocked.Read(ref _logins);

    /// <summary>Their first error ends them, so this is 0 to 2.</summary>
    public int Errors => (_stays.IsFaulted ? 1 : 0) + (_comesAndGoes.IsFaulted ? 1 : 0);

    /// <summary>Returns once so many more queries, and a tenth as many log-ins, were answered rightly.</summary>
    public async Task MustGoOnAsync(int queries)
    {
        long queriesGoal = Queries + queries, loginsGoal = Logins + (queries / 10);
        long deadline = Environment.TickCount64 + (long)Proxyd.Patience.TotalMilliseconds;
        while (Queries < queriesGoal || Logins < loginsGoal)
        {
            if (Errors > 0) await Task.WhenAll(_stays, _comesAndGoes);
            Assert.True(Environment.TickCount64 < deadline, $"good clients are held up: {queriesGoal - Queries} queries and {loginsGoal - Logins} log-ins to go");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_stays, _comesAndGoes).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task StayAsync(Proxyd proxyd, TestTenant tenant)
    {
        using RawClient client = await proxyd.LoginRawAsync(tenant);
        while (!_stop.IsCancellationRequested)
        {
            Assert.Equal($"{_queries}", await client.ScalarAsync($"SELECT {_queries}", Proxyd.Patience));
            client.Transcript.Clear();
            Interlocked.Increment(ref _queries);
            await Task.Delay(1);
        }
    }

    private async Task ComeAndGoAsync(Proxyd proxyd, TestTenant tenant)
    {
        while (!_stop.IsCancellationRequested)
        {
            using RawClient client = await proxyd.LoginRawAsync(tenant);
            Assert.Equal($"{_logins}", await client.ScalarAsync($"SELECT {_logins}", Proxyd.Patience));
            await client.SendAsync(FrontendBytes.Terminate);
            Interlocked.Increment(ref _logins);
            await Task.Delay(5);
        }
    }
}
