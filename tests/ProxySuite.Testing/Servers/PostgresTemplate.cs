using System.Globalization;

namespace ProxySuite.Testing.Servers;

/// <summary>A freshly initialised cluster per version, made once on a machine and copied for every server.</summary>
internal static class PostgresTemplate
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly SemaphoreSlim OneAtATime = new(1);

    // Small WAL segments: 4 MB instead of 16 MB to copy and to recycle.
    private static readonly string[] InitDbOptions =
    [
        "--no-sync", "--no-instructions", "--locale=C", "--encoding=UTF8", "--auth-local=trust", "--auth-host=scram-sha-256",
        "--wal-segsize=4", "--username=" + PostgresServer.SuperUser,
    ];

    /// <summary>Fills a data directory that does not exist yet.</summary>
    public static async Task CopyToAsync(int version, string data)
    {
        string template = await TemplateAsync(version);
        await RunAsync("/bin/cp", ["-a", "--reflink=auto", template, data]);
    }

    private static async Task<string> TemplateAsync(int version)
    {
        string binaries = Binaries.Postgres(version);
        // A new build of the same version gets a template of its own.
        FileInfo program = new($"{binaries}/postgres");
        string template = string.Create(CultureInfo.InvariantCulture, $"{Binaries.Cache}/templates/{version}-{program.LastWriteTimeUtc.Ticks:x}-{program.Length:x}");
        await OneAtATime.WaitAsync();
        try
        {
            if (!Directory.Exists(template)) await MakeAsync(binaries, template);
        }
        finally
        {
            OneAtATime.Release();
        }
        return template;
    }

    // Made aside and moved into place: another test host that makes the same at the same time finds either none or a whole one.
    private static async Task MakeAsync(string binaries, string template)
    {
        string parent = Path.GetDirectoryName(template)!;
        Directory.CreateDirectory(parent);
        ServerDirectory.GiveToPostgres(parent);
        string passwordFile = $"{template}.{Environment.ProcessId}.pw";
        string aside = $"{template}.{Environment.ProcessId}";
        await File.WriteAllTextAsync(passwordFile, PostgresServer.SuperPassword);
        ServerDirectory.GiveToPostgres(passwordFile);
        try
        {
            await RunAsync($"{binaries}/initdb", ["-D", aside, "--pwfile=" + passwordFile, .. InitDbOptions]);
            await RunAsync("/bin/sh", ["-c", "mv -T \"$0\" \"$1\" 2>/dev/null || { [ -d \"$1\" ] && rm -rf \"$0\"; }", aside, template]);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        using ServerProcess process = await ServerProcess.StartAsync(program, arguments, asPostgres: true);
        await process.WaitForExitAsync(Limit);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} failed with {process.ExitCode}:\n{process.Output}");
    }
}
