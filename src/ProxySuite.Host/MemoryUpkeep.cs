using Microsoft.Extensions.Hosting;
using ProxySuite.Proxy.Listening;

namespace ProxySuite.Host;

/// <summary>
/// Gives memory back when a time of much use is over: the start, and a crowd of clients that has logged in or left. A proxy that serves allocates next to
/// nothing, so the runtime sees no occasion of its own to collect what the crowd left behind.
/// </summary>
internal sealed class MemoryUpkeep(IProxyServer server) : BackgroundService
{
    /// <summary>By the first round the tenants are read ahead; what the compiler and the first heartbeats touch afterwards goes with the later ones.</summary>
    private static readonly TimeSpan[] StartRounds = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4)];

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>A proxy that used less processor time than this in one interval has next to nothing to do.</summary>
    private static readonly TimeSpan QuietMax = TimeSpan.FromMilliseconds(40);

    /// <summary>Growth in bytes that is worth the 10 ms of reading the mappings. Telling the registry that the proxy lives touches 10 MB of program files.</summary>
    private const long GrownMin = 4 << 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (server.Health.Phase == ServerPhase.Starting) await Task.Delay(TimeSpan.FromMilliseconds(50), stoppingToken).ConfigureAwait(false);
        await Task.Delay(StartRounds[0], stoppingToken).ConfigureAwait(false);
        ProgramMemory.Release();
        for (int round = 1; round < StartRounds.Length; round++)
        {
            await Task.Delay(StartRounds[round], stoppingToken).ConfigureAwait(false);
            ProgramMemory.ReleaseFiles();
        }
        await WatchAsync(stoppingToken).ConfigureAwait(false);
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        var crowds = new CrowdWatch(GC.GetTotalAllocatedBytes());
        long residentThen = Environment.WorkingSet;
        TimeSpan usedBefore = Environment.CpuUsage.TotalTime;
        while (true)
        {
            await Task.Delay(Interval, stoppingToken).ConfigureAwait(false);
            TimeSpan used = Environment.CpuUsage.TotalTime;
            bool isQuiet = used - usedBefore < QuietMax;
            if (crowds.IsOver(server.Health.Clients, GC.GetTotalAllocatedBytes(), isQuiet))
            {
                ProgramMemory.Release();
                residentThen = Environment.WorkingSet;
            }
            else if (isQuiet && Environment.WorkingSet - residentThen > GrownMin)
            {
                ProgramMemory.ReleaseFiles();
                residentThen = Environment.WorkingSet;
            }
            usedBefore = Environment.CpuUsage.TotalTime;
        }
    }
}
