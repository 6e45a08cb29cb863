using ProxySuite.Testing.World;

namespace ProxySuite.Proxy.Tests;

/// <summary>Counts what the first reactor's thread allocates. Bytes are counted, not time.</summary>
internal static class ReactorAllocations
{
    /// <summary>What so many rounds of something allocate once all is warm.</summary>
    /// <param name="world">Whose reactor.</param>
    /// <param name="rounds">How many count; twice as many go before.</param>
    /// <param name="run">Does so many.</param>
    /// <returns>Bytes; they may be a few below zero, as what the counting itself allocates is taken off.</returns>
    public static async Task<long> OfAsync(ProxyWorld world, int rounds, Func<int, Task> run)
    {
        await run(2 * rounds);
        // Asking allocates a little on the reactor's thread itself: what two questions in a row show is taken off.
        long[] asked = new long[3];
        for (int i = 0; i < asked.Length; i++) asked[i] = await ProbeAsync(world);
        long perQuestion = Math.Max(asked[1] - asked[0], asked[2] - asked[1]);
        await run(rounds);
        return await ProbeAsync(world) - asked[2] - perQuestion;
    }

    private static Task<long> ProbeAsync(ProxyWorld world) => world.RunOnReactorAsync(GC.GetAllocatedBytesForCurrentThread);
}
