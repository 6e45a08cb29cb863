using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Host;

/// <summary>Tells the registry that this proxy lives, so that the control plane knows whom to wait for, and hears how many others do: they share tenants' limits. A registry that is away is tried again with the next beat.</summary>
internal sealed class Heartbeat(NpgsqlDataSource dataSource, IProxyServer server, StatsRegistry stats, ILogger<Heartbeat> logger) : BackgroundService
{
    private readonly ProxyTable _table = new(dataSource);
    private readonly Guid _id = Guid.CreateVersion7();
    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await _table.LeaveAsync(_id, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failed) when (failed is RegistryUnavailableException or OperationCanceledException)
        {
            // Its silence says the same.
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Its name is where it listens.
        while (server.Health.Phase == ServerPhase.Starting) await Task.Delay(TimeSpan.FromMilliseconds(50), stoppingToken).ConfigureAwait(false);
        bool isSaid = false;
        using var beat = new PeriodicTimer(ProxyRecord.HeartbeatInterval);
        do
        {
            try
            {
                await _table.BeatAsync(_id, Name(), _startedAt, Details(), stoppingToken).ConfigureAwait(false);
                stats.Proxy.ProxiesAlive = await _table.CountAliveAsync(stoppingToken).ConfigureAwait(false);
                isSaid = false;
            }
            catch (RegistryUnavailableException away)
            {
                if (!isSaid) logger.HeartbeatMissed(away.Message);
                isSaid = true;
            }
        }
        while (await beat.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private string Name()
    {
        int port = server.EndPoints.OfType<IPEndPoint>().FirstOrDefault()?.Port ?? 0;
        return string.Create(CultureInfo.InvariantCulture, $"{Dns.GetHostName()}:{port}");
    }

    // Written by hand: the serializer's reflection would cost more memory than all tenants of a small fleet.
    private string Details()
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteString("version", ProductVersion.Text);
            json.WriteStartArray("listen");
            foreach (EndPoint endPoint in server.EndPoints) json.WriteStringValue(endPoint.ToString());
            json.WriteEndArray();
            json.WriteNumber("pid", Environment.ProcessId);
            json.WriteNumber("clients", server.Health.Clients);
            json.WriteString("phase", server.Health.Phase.ToString().ToLowerInvariant());
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
