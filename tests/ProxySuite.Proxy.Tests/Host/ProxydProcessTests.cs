using ProxySuite.Host;
using ProxySuite.Proxy.Tests.Options;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>Exit codes and texts of the program itself.</summary>
public sealed class ProxydProcessTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    private string[] Registry => ["--Registry:ConnectionString", ConfigWorld.RegistryDsn, "--Secrets:MasterKeyFile", _world.MasterKeyFile];

    [Fact]
    public async Task Check_of_a_good_configuration_says_OK_and_exits_0()
        => Assert.Equal((0, "configuration OK\n", ""), await ProxydProcess.RunAsync(["--check", .. Registry]));

    [Fact]
    public async Task Check_reads_file_environment_and_command_line_and_says_all_that_is_wrong()
    {
        File.WriteAllText(_world.ConfigFile, """{ "Pool": { "Mode": "both" }, "Colour": "green" }""");
        (int exitCode, string output, string errors) = await ProxydProcess.RunAsync(
            ["--check", "--config", _world.ConfigFile, "--Limits:MaxClient=5", .. Registry], ("PROXYSUITE__Listen__Port", "none"));
        Assert.Equal($"""
            proxyd: Listen:Port: "none" is not a whole number from 0 to 65535 (environment variable PROXYSUITE__Listen__Port)
            proxyd: Pool:Mode: "both" is not one of transaction, session, statement ({_world.ConfigFile} line 1)
            proxyd: Colour: unknown key ({_world.ConfigFile} line 1)
            proxyd: Limits:MaxClient: unknown key; did you mean Limits:MaxClients? (command line)

            """, errors);
        Assert.Equal((1, ""), (exitCode, output));
    }

    [Fact]
    public async Task A_wrong_configuration_keeps_it_from_starting()
    {
        (int exitCode, string output, string errors) = await ProxydProcess.RunAsync(["--Listen:Port=70000", .. Registry]);
        Assert.Equal((1, "", "proxyd: Listen:Port: \"70000\" is not a whole number from 0 to 65535 (command line)\n"), (exitCode, output, errors));
    }

    [Fact]
    public async Task A_config_file_that_is_not_there_is_named()
    {
        string path = Path.Combine(_world.Directory, "none.json");
        (int exitCode, _, string errors) = await ProxydProcess.RunAsync(["--check", "--config", path, .. Registry]);
        Assert.Equal((1, $"proxyd: config file {path} cannot be read: Could not find file '{path}'.\n"), (exitCode, errors));
    }

    [Fact]
    public async Task Help_lists_every_option_and_exits_0()
        => Assert.Equal((0, CommandLine.Usage.TrimEnd() + "\n", ""), await ProxydProcess.RunAsync(["--help"]));

    [Fact]
    public async Task Version_is_one_line()
        => Assert.Equal((0, $"proxyd {ProductVersion.Text}\n", ""), await ProxydProcess.RunAsync(["--version"]));

    [Fact]
    public async Task Wrong_usage_exits_2_and_points_to_the_help()
        => Assert.Equal(
            (2, "", "proxyd: unknown option \"--pgbouncer-ini\"\nproxyd: unknown option \"x.ini\"\nproxyd --help lists the options\n"),
            await ProxydProcess.RunAsync(["--pgbouncer-ini", "x.ini"]));
}
