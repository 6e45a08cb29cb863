using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Tenancy.Cache;

/// <summary>Hears of changes through PostgreSQL's LISTEN, on a connection of its own.</summary>
public sealed class PostgresInvalidationListener : IInvalidationSource
{
    /// <summary>What the registry's triggers notify.</summary>
    public const string Channel = "proxysuite_invalidate";

    private static readonly TimeSpan DelayMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(10);

    private readonly Dsn _dsn;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public PostgresInvalidationListener(Dsn dsn, TimeProvider? time = null, ILogger<PostgresInvalidationListener>? logger = null)
    {
        _dsn = dsn;
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<PostgresInvalidationListener>.Instance;
    }

    /// <inheritdoc/>
    public async Task RunAsync(IInvalidationSink sink, CancellationToken cancellationToken)
    {
        await using NpgsqlDataSource dataSource = RegistryDataSource.CreateForListening(_dsn);
        TimeSpan delay = DelayMin;
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = await dataSource.OpenConnectionAsync(cancellationToken);
                connection.Notification += (_, notification) => Deliver(sink, notification.Payload);
                await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection)) await listen.ExecuteNonQueryAsync(cancellationToken);
                _logger.Listening();
                delay = DelayMin;
                // Only now, as a change between a comparison and LISTEN would be missed.
                sink.Resynchronize();
                while (true) await connection.WaitAsync(cancellationToken);
            }
            catch (Exception failed) when (RegistryDataSource.IsUnreachable(failed) && !cancellationToken.IsCancellationRequested)
            {
                // Proxies that lost the same server do not come back in step.
                TimeSpan wait = delay * (0.5 + Random.Shared.NextDouble());
                _logger.ListeningLost((long)wait.TotalMilliseconds, failed.Message);
                await Task.Delay(wait, _time, cancellationToken);
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, DelayMax.Ticks));
            }
        }
    }

    private void Deliver(IInvalidationSink sink, string payload)
    {
        if (Invalidation.TryParse(payload, out Invalidation change))
        {
            sink.Invalidate(change);
            return;
        }
        // From a newer registry, or from somebody else: what changed is not known, so everything is compared.
        _logger.AnnouncementUnknown(payload.Length <= 200 ? payload : payload[..200]);
        sink.Resynchronize();
    }
}
