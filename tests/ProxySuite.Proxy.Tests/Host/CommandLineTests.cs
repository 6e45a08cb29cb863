using ProxySuite.Host;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

public sealed class CommandLineTests
{
    private static CommandLine Parse(params string[] arguments) => CommandLine.Parse(arguments);

    private static string[] Keys(params string[] arguments)
    {
        var parsed = Parse(arguments);
        Assert.Empty(parsed.Problems);
        return [.. parsed.Keys.Select(key => $"{key.Key}={key.Text}")];
    }

    [Fact]
    public void Without_arguments_it_runs_with_defaults()
    {
        var parsed = Parse();
        Assert.Equal((null, false, false, false, 0, 0), (parsed.ConfigFile, parsed.Check, parsed.Help, parsed.Version, parsed.Keys.Count, parsed.Problems.Count));
    }

    [Theory]
    [InlineData("--config=proxyd.json")]
    [InlineData("--config", "proxyd.json")]
    public void The_file_is_named_with_or_without_an_equals_sign(params string[] arguments) => Assert.Equal("proxyd.json", Parse(arguments).ConfigFile);

    [Fact]
    public void Keys_are_taken_in_both_forms_and_in_order()
        => Assert.Equal(["Pool:Mode=session", "Listen:Port=1", "Pool:Mode=statement"], Keys("--Pool:Mode=session", "--Listen:Port", "1", "--Pool:Mode", "statement"));

    [Fact]
    public void A_value_may_hold_equals_signs_dashes_or_nothing()
        => Assert.Equal(
            ["Registry:ConnectionString=Host=db;Database=r", "Listen:Port=--1", "Redis:Configuration="],
            Keys("--Registry:ConnectionString=Host=db;Database=r", "--Listen:Port", "--1", "--Redis:Configuration="));

    [Fact]
    public void Flags_are_flags()
    {
        Assert.True(Parse("--check").Check);
        Assert.True(Parse("--help").Help);
        Assert.True(Parse("-h").Help);
        Assert.True(Parse("--version").Version);
    }

    [Theory]
    [InlineData("unknown option \"--pgbouncer-ini\"", "--pgbouncer-ini")]
    [InlineData("unknown option \"--check=yes\"", "--check=yes")]
    [InlineData("unknown option \"-x\"", "-x")]
    [InlineData("unknown option \"proxyd.json\"", "proxyd.json")]
    [InlineData("unknown option \"Pool:Mode=session\"", "Pool:Mode=session")]
    [InlineData("unknown option \"\"", "")]
    [InlineData("--config needs a value", "--config")]
    [InlineData("--Pool:Mode needs a value", "--check", "--Pool:Mode")]
    [InlineData("--config is given twice", "--config", "a", "--config", "b")]
    public void What_it_does_not_know_is_wrong_usage(string problem, params string[] arguments) => Assert.Equal([problem], Parse(arguments).Problems);

    [Fact]
    public void All_that_is_wrong_is_said_at_once() => Assert.Equal(["unknown option \"-x\"", "unknown option \"-y\""], Parse("-x", "-y").Problems);
}
