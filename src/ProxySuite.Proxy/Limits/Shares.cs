namespace ProxySuite.Proxy.Limits;

/// <summary>
/// How a limit is divided between proxies: each gets what it wants, or as much of it as the others get, whichever is less (max-min fairness), and what is
/// left is divided evenly. All proxies that know the same come to parts that add up to the limit.
/// </summary>
internal static class Shares
{
    /// <summary>What a proxy gets beyond what it has seen, so that a rise is not held back until the next exchange.</summary>
    private const double Headroom = 1.1;

    /// <summary>The part of the limit that is divided whatever anybody wants: who has had no queries can start some.</summary>
    private const double Floor = 0.03;

    /// <summary>This proxy's part.</summary>
    /// <param name="limit">The whole.</param>
    /// <param name="mine">What this proxy wants, in the limit's unit.</param>
    /// <param name="others">What each of the others wants.</param>
    /// <returns>A fraction, above 0 and up to 1.</returns>
    public static double Of(double limit, double mine, ReadOnlySpan<double> others)
    {
        int count = others.Length + 1;
        double floor = limit * Floor / count;
        Span<double> wants = count <= 64 ? stackalloc double[count] : new double[count];
        for (int index = 0; index < others.Length; index++) wants[index] = Want(others[index], floor);
        double own = wants[^1] = Want(mine, floor);
        wants.Sort();
        double left = limit;
        for (int index = 0; index < count; index++)
        {
            double even = left / (count - index);
            // All from here on want more than is left for each.
            if (wants[index] >= even) return Math.Min(own, even) / limit;
            left -= wants[index];
        }
        return (own + (left / count)) / limit;
    }

    private static double Want(double seen, double floor) => (Math.Max(0, seen) * Headroom) + floor;
}
