using System.Diagnostics;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>The program as a user starts it, from the tests' output directory.</summary>
internal static class ProxydProcess
{
    /// <summary>Runs it to its end.</summary>
    /// <exception cref="TimeoutException">It has not ended after a minute; it is killed.</exception>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "proxyd"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }
        return (process.ExitCode, await output, await errors);
    }
}
