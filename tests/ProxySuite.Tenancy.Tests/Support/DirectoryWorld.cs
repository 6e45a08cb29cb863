using System.Collections.Concurrent;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Tenancy.Tests.Support;

/// <summary>A directory over a scripted registry, on a clock that the test moves, with its refresher running.</summary>
internal sealed class DirectoryWorld : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;

    private DirectoryWorld(TenantDirectoryOptions options, ISharedTenantCache? shared)
    {
        Directory = new TenantDirectory(Registry, options, Time, shared: shared);
        Directory.Changed += Changes.Enqueue;
        _running = Directory.RunAsync(invalidations: null, _end.Token);
    }

    public ScriptedRegistry Registry { get; } = new();

    public ManualTime Time { get; } = new();

    public TenantDirectory Directory { get; }

    public ConcurrentQueue<TenantChange> Changes { get; } = new();

    public static DirectoryWorld Start(TenantDirectoryOptions? options = null, ISharedTenantCache? shared = null) => new(options ?? new TenantDirectoryOptions(), shared);

    public ValueTask<TenantLookup> GetAsync(string slug) => Directory.GetAsync(TenantSlug.Parse(slug));

    public async Task<Tenant> KnownAsync(string slug) => (await GetAsync(slug)).Entry!.Tenant;

    public async Task<LookupOutcome> OutcomeAsync(string slug) => (await GetAsync(slug)).Outcome;

    /// <summary>Lets the clock run in steps that the refresher's timer sees, until something holds.</summary>
    public async Task RunUntilAsync(Func<bool> holds, TimeSpan clockMax)
    {
        for (TimeSpan run = TimeSpan.Zero; !holds() && run < clockMax; run += TimeSpan.FromMilliseconds(500))
        {
            Time.Advance(TimeSpan.FromMilliseconds(500));
            await Settle.UntilAsync(holds, TimeSpan.FromMilliseconds(20));
        }
        await Settle.MustAsync(holds);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
    }
}

/// <summary>Waits for what other threads are about to do.</summary>
internal static class Settle
{
    public static async Task<bool> UntilAsync(Func<bool> holds, TimeSpan max)
    {
        long end = Environment.TickCount64 + (long)max.TotalMilliseconds;
        while (!holds())
        {
            if (Environment.TickCount64 > end) return false;
            await Task.Delay(2);
        }
        return true;
    }

    public static async Task MustAsync(Func<bool> holds) => Assert.True(await UntilAsync(holds, TimeSpan.FromSeconds(20)), "did not come true within 20 s");
}
