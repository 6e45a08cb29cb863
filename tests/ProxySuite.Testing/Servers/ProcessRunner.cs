using System.Diagnostics;

namespace ProxySuite.Testing.Servers;

/// <summary>How a program ended and what it said.</summary>
public sealed record ProcessResult(int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">The exit code is not 0; the message carries both outputs.</exception>
    public ProcessResult MustSucceed(string what)
        => ExitCode == 0 ? this : throw new InvalidOperationException($"{what} ended with exit code {ExitCode}:\n{Output}{Error}");
}

/// <summary>Runs a program to its end: psql, pgbench, proxyctl. Programs that stay are started as <see cref="ServerProcess"/>.</summary>
public static class ProcessRunner
{
    /// <param name="program">A full path or a name that <see cref="Binaries.Program"/> finds.</param>
    /// <param name="timeout">Then it is killed with its children, by pid.</param>
    /// <param name="input">Its whole standard input; empty when null, never the test's own.</param>
    /// <param name="environment">Variables beside the test's own.</param>
    /// <exception cref="TimeoutException">It took too long; the message carries what it said until then.</exception>
    public static async Task<ProcessResult> RunAsync(
        string program, IEnumerable<string> arguments, TimeSpan? timeout = null, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program.Contains('/', StringComparison.Ordinal) ? program : Binaries.Program(program), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(input ?? "");
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended, or closed its input, without reading all of it; its exit code tells how it took that.
        }
        using CancellationTokenSource limit = new(timeout ?? TimeSpan.FromMinutes(1));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end in time:\n{await output}{await error}");
        }
        return new ProcessResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs SQL through psql, which stops at the first error; the output has one line a row, columns separated by <c>|</c>.</summary>
    /// <param name="target">A <c>postgres://</c> URI or libpq key=value.</param>
    public static Task<ProcessResult> PsqlAsync(string target, string sql, TimeSpan? timeout = null)
        => RunAsync("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", target, "-f", "-"], timeout, input: sql);
}
