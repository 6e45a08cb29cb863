using System.Net;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Proxy.Tests.Options;

public sealed class OptionValueTests : IDisposable
{
    private readonly ConfigWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("Listen:Address", "somewhere", "an IPv4 or IPv6 address, localhost or *")]
    [InlineData("Listen:Address", "1", "an IPv4 or IPv6 address, localhost or *")]
    [InlineData("Listen:Port", "65536", "a whole number from 0 to 65535")]
    [InlineData("Listen:Port", "-1", "a whole number from 0 to 65535")]
    [InlineData("Listen:Port", "6432.0", "a whole number from 0 to 65535")]
    [InlineData("Listen:Port", "", "a whole number from 0 to 65535")]
    [InlineData("Listen:Backlog", "15", "a whole number from 16 to 65535")]
    [InlineData("Tls:Mode", "prefer", "one of disable, allow, require, verify-full")]
    [InlineData("Metrics:Address", "::g", "an IPv4 or IPv6 address, localhost or *")]
    [InlineData("Metrics:Port", "http", "a whole number from 0 to 65535")]
    [InlineData("Metrics:TenantSeriesMax", "100001", "a whole number from 0 to 100000")]
    [InlineData("Auth:LoginTimeout", "999ms", "a duration such as 250ms, 10s, 5m or 48h, from 1s to 10m")]
    [InlineData("Auth:LoginTimeout", "0", "a duration such as 250ms, 10s, 5m or 48h, from 1s to 10m")]
    [InlineData("Reactors:Count", "257", "a whole number from 0 to 256")]
    [InlineData("Transport:Kind", "iouring", "one of epoll, sockets")]
    [InlineData("Transport:KeepAliveIdle", "1500ms", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1s to 2h in steps of 1s")]
    [InlineData("Transport:KeepAliveInterval", "0", "a duration such as 250ms, 10s, 5m or 48h, from 1s to 10m in steps of 1s")]
    [InlineData("Transport:KeepAliveCount", "0", "a whole number from 1 to 100")]
    [InlineData("Pool:Mode", "Transaction", "one of transaction, session, statement")]
    [InlineData("Pool:ServerChoice", "random", "one of lifo, round-robin")]
    [InlineData("Pool:QueryWaitTimeout", "9ms", "a duration such as 250ms, 10s, 5m or 48h, from 10ms to 1h")]
    [InlineData("Pool:QueryWaitTimeout", "10", "a duration such as 250ms, 10s, 5m or 48h, from 10ms to 1h")]
    [InlineData("Pool:MaxWaiters", "0", "a whole number from 1 to 100000")]
    [InlineData("Pool:MaxWaiters", "100001", "a whole number from 1 to 100000")]
    [InlineData("Pool:ServerIdleTimeout", "8d", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1s to 7d")]
    [InlineData("Pool:ServerLifetime", "999ms", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1s to 7d")]
    [InlineData("Pool:ServerConnectTimeout", "11m", "a duration such as 250ms, 10s, 5m or 48h, from 100ms to 10m")]
    [InlineData("Pool:QueueNoticeAfter", "1ms", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 10ms to 1h")]
    [InlineData("Pool:PinnedIdleTimeout", "8d", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1s to 7d")]
    [InlineData("Pool:ServerReset", "never", "one of dirty, always")]
    [InlineData("Pool:CancelTimeout", "1ms", "a duration such as 250ms, 10s, 5m or 48h, from 100ms to 10m")]
    [InlineData("Limits:MaxClients", "0", "a whole number from 1 to 1000000")]
    [InlineData("Limits:MaxMessageBytes", "1GB", "a size from 64kB to 1073741823B, such as 64kB or 4MB")]
    [InlineData("Limits:MaxMessageBytes", "4 megabytes", "a size from 64kB to 1073741823B, such as 64kB or 4MB")]
    [InlineData("Limits:MaxStartupBytes", "1023", "a size from 1kB to 1MB, such as 64kB or 4MB")]
    [InlineData("Limits:ClientIdleTimeout", "31d", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1s to 30d")]
    [InlineData("Logging:Level", "verbose", "one of trace, debug, information, warning, error, critical, none")]
    [InlineData("Logging:Format", "xml", "one of text, json")]
    [InlineData("Logging:Connections", "maybe", "on or off")]
    [InlineData("Logging:SlowQuery", "2h", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1ms to 1h")]
    [InlineData("Shutdown:DrainTimeout", "forever", "a duration such as 250ms, 10s, 5m or 48h, 0 for off, or from 1s to 1h")]
    public void A_wrong_value_is_named_with_its_key_and_what_is_allowed(string key, string value, string allowed)
        => Assert.Equal([$"{key}: \"{value}\" is not {allowed} (command line)"], _world.Problems(key, value));

    [Fact]
    public void Without_any_value_all_options_have_their_defaults()
    {
        var expected = new ProxyOptions
        {
            Registry = new RegistryOptions { ConnectionString = ConfigWorld.RegistryDsn },
            Secrets = new SecretsOptions { MasterKeyFile = _world.MasterKeyFile },
        };
        ProxyOptions options = _world.Load().Options;
        Assert.Empty(options.Admin.Users);
        Assert.Equal(expected, options with { Admin = expected.Admin });
    }

    [Fact]
    public void Values_are_read_in_the_forms_that_the_contract_names()
    {
        ProxyOptions options = _world.Load("""
            {
              "Listen": { "Address": "*", "Port": 6433 },
              "Metrics": { "Address": "::1", "Port": 0 },
              "Transport": { "Kind": "sockets" },
              "Pool": { "Mode": "session", "ServerChoice": "round-robin", "QueryWaitTimeout": "250ms", "ServerIdleTimeout": "0", "ServerLifetime": "48h", "ServerReset": "always" },
              "Limits": { "MaxMessageBytes": "4MB", "MaxStartupBytes": 20000, "ClientIdleTimeout": "5m" },
              "Logging": { "Level": "debug", "Format": "json", "Connections": false, "SlowQuery": "1s" },
            }
            """).Options;
        Assert.Equal(new ListeningOptions { Address = IPAddress.Any, Port = 6433 }, options.Listen);
        Assert.Equal(new MetricsOptions { Address = IPAddress.IPv6Loopback, Port = 0 }, options.Metrics);
        Assert.Equal(new TransportOptions { Kind = TransportKind.Sockets }, options.Transport);
        Assert.Equal(new PoolOptions
        {
            Mode = PoolMode.Session,
            ServerChoice = ServerChoice.RoundRobin,
            QueryWaitTimeout = TimeSpan.FromMilliseconds(250),
            ServerIdleTimeout = TimeSpan.Zero,
            ServerLifetime = TimeSpan.FromDays(2),
            ServerReset = ServerReset.Always,
        }, options.Pool);
        Assert.Equal(new LimitsOptions { MaxMessageBytes = 4 << 20, MaxStartupBytes = 20_000, ClientIdleTimeout = TimeSpan.FromMinutes(5) }, options.Limits);
        Assert.Equal(new LoggingOptions { Level = LogLevel.Debug, Format = LogFormat.Json, Connections = false, SlowQuery = TimeSpan.FromSeconds(1) }, options.Logging);
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        const string File = """{ "Pool": { "MaxWaiters": 1 } }""";
        var environment = new Dictionary<string, string> { ["PROXYSUITE__Pool__MaxWaiters"] = "2" };
        Assert.Equal(1, _world.Load(File).Options.Pool.MaxWaiters);
        Assert.Equal(2, _world.Load(File, environment).Options.Pool.MaxWaiters);
        Assert.Equal(3, _world.Load(File, environment, [("Pool:MaxWaiters", "3")]).Options.Pool.MaxWaiters);
    }

    [Fact]
    public void Keys_are_found_in_any_case_of_letters()
        => Assert.Equal(7, _world.Load(environment: new() { ["PROXYSUITE__POOL__MAXWAITERS"] = "7" }).Options.Pool.MaxWaiters);

    [Fact]
    public void Options_that_hold_secrets_do_not_print_them()
    {
        var options = new ProxyOptions
        {
            Registry = new RegistryOptions { ConnectionString = "postgres://registry:hunter2@db/registry" },
            Redis = new RedisOptions { Configuration = "redis:6379,password=hunter2" },
            Admin = new AdminOptions { Users = [new AdminUser("ops", "hunter2", AdminRole.Admin)] },
        };
        Assert.DoesNotContain("hunter2", options.ToString());
        Assert.DoesNotContain("hunter2", options.Admin.Users[0].ToString());
    }
}
