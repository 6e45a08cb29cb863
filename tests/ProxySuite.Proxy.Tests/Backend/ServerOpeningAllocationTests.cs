using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

/// <summary>What opening a server connection costs the proxy's memory, its login by password included. Bytes are counted, not time.</summary>
[Collection(nameof(Relay.LargeMessageTests))]
public sealed class ServerOpeningAllocationTests
{
    private const int Openings = 100;

    [Fact]
    public async Task Opening_a_server_connection_stays_within_its_budget()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: new ScriptedBackendOptions { PasswordOf = static _ => "backend-secret" });
        Reactor reactor = ((ProxyServer)world.Server).Contexts[0].Reactor;
        using var tls = new ServerTls(world.Options, NullLogger.Instance);
        var opener = new ServerOpener(tls, NullLogger<ServerOpener>.Instance);
        var target = new BackendTarget(
            [new IPEndPoint(IPAddress.Loopback, world.Backend.Port)], "app", "t_1", new Secret("backend-secret"), [new("search_path", "tenant_1"), new("statement_timeout", "30s")]);
        long allocated = await ReactorAllocations.OfAsync(world, Openings, openings => OpenAsync(world, reactor, opener, target, openings));
        Assert.InRange(allocated / Openings, 500, 13_000);
    }

    private static async Task OpenAsync(ProxyWorld world, Reactor reactor, ServerOpener opener, BackendTarget target, int openings)
    {
        for (int i = 0; i < openings; i++)
        {
            Task<ListenerConnection> opening = await world.RunOnReactorAsync(() => opener.OpenListenerAsync(reactor, target, Nobody.Instance, world.Options.Value));
            ListenerConnection listener = await opening;
            await world.RunOnReactorAsync(listener.Close);
        }
    }

    internal sealed class Nobody : IListenerOwner
    {
        public static readonly Nobody Instance = new();

        public void OnNotification(ListenerConnection listener, NotificationResponse notification)
        {
        }

        public void OnListenerClosed(ListenerConnection listener)
        {
        }
    }
}
