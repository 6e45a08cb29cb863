using System.Net;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class AllowedAddressTests
{
    private static void Allow(ProxyWorld world, string tenant, params string[] networks)
    {
        TenantEntry entry = world.Registry[tenant];
        world.Registry.Put(entry with { Tenant = entry.Tenant with { AllowedAddresses = AddressList.Parse(networks), Version = entry.Tenant.Version + 1 } });
    }

    private static async Task<PgError?> LoginAsync(ProxyWorld world, string password = ProxyWorld.Password, string tenant = "acme")
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        return await client.TryLoginAsync("app", tenant, password);
    }

    [Fact]
    public async Task Who_comes_from_elsewhere_is_told_so_once_it_has_proved_who_it_is()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        Allow(world, "acme", "203.0.113.0/24", "2001:db8::/32");
        Assert.Equal(ProxyErrors.AddressNotAllowed("127.0.0.1"), await LoginAsync(world));
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, "wrong"));
        Assert.Null(await LoginAsync(world, tenant: "globex"));
    }

    [Theory]
    [InlineData("127.0.0.0/8")]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0/0")]
    public async Task Who_comes_from_one_of_the_networks_is_let_in(string network)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        Allow(world, "acme", "203.0.113.0/24", network);
        Assert.Null(await LoginAsync(world));
    }

    [Fact]
    public async Task A_change_counts_for_the_next_login_and_leaves_sessions_alone()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient before = await world.ConnectAsync();
        Allow(world, "acme", "203.0.113.0/24");
        for (int i = 0; await LoginAsync(world) is null; i++) Assert.True(i < 1000);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await before.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await server.NextAsync()).ToString());
        Allow(world, "acme");
        for (int i = 0; await LoginAsync(world) is not null; i++) Assert.True(i < 1000);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.0.0.7", "10.0.0.7", true)]
    [InlineData("10.0.0.7", "10.0.0.8", false)]
    [InlineData("2001:db8::/32", "2001:db8::1", true)]
    [InlineData("2001:db8::/32", "10.0.0.1", false)]
    [InlineData("::/0", "10.0.0.1", false)]
    [InlineData("", "10.0.0.1", true)]
    public void A_network_holds_what_agrees_with_it_in_its_bits(string list, string address, bool isAllowed)
        => Assert.Equal(isAllowed, AddressList.Parse(list).Allows(IPAddress.Parse(address)));

    [Fact]
    public void The_Unix_socket_has_no_address_to_refuse() => Assert.True(AddressList.Parse("10.0.0.0/8").Allows(null));

    [Theory]
    [InlineData("10.0.0.1/8", "\"10.0.0.1/8\" has bits behind its mask; write 10.0.0.0/8, or 10.0.0.1 for one address")]
    [InlineData("10/8", "\"10/8\" is not a network, such as 10.0.0.0/8 or 2001:db8::/32, and not an address")]
    [InlineData("db.example", "\"db.example\" is not a network, such as 10.0.0.0/8 or 2001:db8::/32, and not an address")]
    [InlineData("10.0.0.0/33", "\"10.0.0.0/33\" is not a network: behind the slash stands a number of bits, 32 at most")]
    [InlineData("10.0.0.0/-1", "\"10.0.0.0/-1\" is not a network: behind the slash stands a number of bits, 32 at most")]
    [InlineData("::1/129", "\"::1/129\" is not a network: behind the slash stands a number of bits, 128 at most")]
    [InlineData("::ffff:10.0.0.1", "\"::ffff:10.0.0.1\" is an IPv4 address in IPv6 form; write 10.0.0.1")]
    [InlineData("fe80::1%eth0", "\"fe80::1%eth0\" is not a network, such as 10.0.0.0/8 or 2001:db8::/32, and not an address")]
    public void What_is_no_network_is_refused(string text, string reason) => Assert.Equal(reason, Assert.Throws<FormatException>(() => AddressList.Parse([text])).Message);

    [Fact]
    public void A_list_is_written_as_it_is_read()
    {
        AddressList list = AddressList.Parse(["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "10.0.0.0/8"]);
        Assert.Equal("10.0.0.0/8,192.0.2.1/32,2001:db8::/32", list.ToString());
        Assert.Equal(list, AddressList.Parse(list.ToString()));
        Assert.Equal(AddressList.Any, AddressList.Parse(""));
        Assert.Throws<FormatException>(() => AddressList.Parse([.. Enumerable.Repeat("10.0.0.1", 101)]));
    }
}
