using System.ComponentModel;
using System.Diagnostics;
using Xunit.Sdk;

namespace ProxySuite.Proxy.Tests.Metrics;

/// <summary>Prometheus' own judge of metric pages.</summary>
internal static class Promtool
{
    /// <summary>Runs <c>promtool check metrics</c> on a page.</summary>
    public static async Task<(int ExitCode, string Output)> CheckAsync(string page)
    {
        var start = new ProcessStartInfo("promtool", ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new XunitException("promtool is missing; install it with: apt-get install -y prometheus");
        }
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(page);
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await errors);
        }
    }
}
