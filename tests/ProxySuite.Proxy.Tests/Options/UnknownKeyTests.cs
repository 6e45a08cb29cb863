using Xunit;

namespace ProxySuite.Proxy.Tests.Options;

public sealed class UnknownKeyTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    private string[] InFile(string json)
        => [.. _world.Load(json).Problems.Select(problem => problem.ToString().Replace(_world.ConfigFile, "proxyd.json", StringComparison.Ordinal))];

    [Fact]
    public void In_the_file_a_slip_is_named_with_its_line_and_the_key_that_was_meant()
        => Assert.Equal(["Pool:QueryWaitTimout: unknown key; did you mean Pool:QueryWaitTimeout? (proxyd.json line 4)"], InFile("""
            {
              "Pool": {
                // a comment
                "QueryWaitTimout": "10s"
              }
            }
            """));

    [Fact]
    public void In_the_environment_a_slip_is_named_with_its_variable()
        => Assert.Equal(
            ["Listen:Prt: unknown key; did you mean Listen:Port? (environment variable PROXYSUITE__Listen__Prt)"],
            _world.Load(environment: new() { ["PROXYSUITE__Listen__Prt"] = "1", ["PROXYSUITE_PORT"] = "tcp://10.0.0.1:6432", ["PATH"] = "/bin" })
                .Problems.Select(problem => problem.ToString()));

    [Fact]
    public void On_the_command_line_a_slip_is_named()
        => Assert.Equal(["Pool:Mod: unknown key; did you mean Pool:Mode? (command line)"], _world.Problems("Pool:Mod", "session"));

    [Fact]
    public void The_right_name_under_the_wrong_section_is_recognised()
        => Assert.Equal(["Server:MaxClients: unknown key; did you mean Limits:MaxClients? (command line)"], _world.Problems("Server:MaxClients", "1"));

    [Fact]
    public void Nothing_is_proposed_for_a_key_that_resembles_none()
        => Assert.Equal(["Colour:Of:Money: unknown key (command line)"], _world.Problems("Colour:Of:Money", "green"));

    [Fact]
    public void An_empty_unknown_section_is_an_error_too()
        => Assert.Equal(["Pools: unknown section; did you mean Pool? (proxyd.json line 1)"], InFile("""{ "Pools": {} }"""));

    [Fact]
    public void A_section_is_not_a_value()
        => Assert.Equal(["Pool: is a section, not a value (proxyd.json line 1)"], InFile("""{ "Pool": "session" }"""));

    [Fact]
    public void A_value_is_not_a_section()
        => Assert.Equal(["Listen:Port:Number: unknown key (proxyd.json line 1)"], InFile("""{ "Listen": { "Port": { "Number": 1 } } }"""));

    [Fact]
    public void A_list_is_not_a_value()
        => Assert.Equal(["Admin:Users: is a list of objects, not a value (proxyd.json line 1)"], InFile("""{ "Admin": { "Users": "ops" } }"""));

    [Fact]
    public void A_list_takes_objects_by_number_alone()
        => Assert.Equal(["Admin:Users:first:Name: unknown key (command line)"], _world.Problems("Admin:Users:first:Name", "ops"));

    [Fact]
    public void A_key_given_twice_in_the_file_is_an_error()
        => Assert.Equal(["Listen:port: is given twice, first in proxyd.json line 2 (proxyd.json line 3)"], InFile("""
            { "Listen": {
                "Port": 1,
                "port": 2 } }
            """));

    [Fact]
    public void Null_is_no_value()
        => Assert.Equal(["Listen:Port: null is no value; leave the key out to have its default (proxyd.json line 1)"], InFile("""{ "Listen": { "Port": null } }"""));

    [Theory]
    [InlineData("{ \"Listen\": {\n \"Port\": 6432 \n", "line 3")]
    [InlineData("{ \"Listen\": }", "line 1")]
    [InlineData("{} {}", "line 1")]
    public void A_file_that_is_not_JSON_is_named_with_the_line(string content, string line)
    {
        string problem = Assert.Single(InFile(content));
        Assert.StartsWith("config file is not JSON: ", problem, StringComparison.Ordinal);
        Assert.EndsWith($"(proxyd.json {line})", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("6432")]
    public void A_file_without_an_object_is_refused(string content)
        => Assert.Equal(["config file proxyd.json does not hold a JSON object"], InFile(content));

    [Fact]
    public void An_empty_file_is_refused()
        => Assert.StartsWith("config file is not JSON: ", Assert.Single(InFile("")), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_far_too_large_is_not_read()
        => Assert.Equal(["config file proxyd.json is larger than 1MB"], InFile(new string(' ', (1 << 20) + 1)));
}
