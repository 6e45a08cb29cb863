using System.Globalization;
using Npgsql;

namespace ProxySuite.Drivers;

/// <summary>Named steps, each reported on a line of its own; a failed one does not keep the next from running.</summary>
internal sealed class Steps
{
    private bool _isRed;

    /// <summary>The server is the client's own: session mode, or PostgreSQL itself.</summary>
    public static bool HasOwnServer { get; } = Environment.GetEnvironmentVariable("DRIVERS_SESSION") == "1";

    public async Task RunAsync(string name, Func<Task> body)
    {
        try
        {
            await body().WaitAsync(TimeSpan.FromSeconds(30));
            Console.WriteLine($"ok {name}");
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            _isRed = true;
            string line = failure.StackTrace?.Split('\n').FirstOrDefault(at => at.Contains("Program.cs:line", StringComparison.Ordinal))?.Trim().Split(' ')[^1] ?? "?";
            Console.WriteLine($"not ok {name}: {failure.GetType().Name}: {failure.Message.ReplaceLineEndings(" | ")} (line {line})");
        }
    }

    public int End()
    {
        Console.WriteLine("end");
        return _isRed ? 1 : 0;
    }

    public static void Equal<T>(T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"expected {expected}, got {actual}"));
        }
    }

    public static async Task RefusedAsync(string sqlState, Func<Task> body)
    {
        try
        {
            await body();
        }
        catch (PostgresException failure)
        {
            Equal(sqlState, failure.SqlState);
            return;
        }
        throw new InvalidOperationException($"no error {sqlState}");
    }

    /// <summary>Runs the work of several workers at the same time.</summary>
    public static Task TogetherAsync(int count, Func<int, Task> work) => Task.WhenAll(Enumerable.Range(0, count).Select(work));
}
