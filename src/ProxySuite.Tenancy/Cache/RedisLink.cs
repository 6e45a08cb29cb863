using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace ProxySuite.Tenancy.Cache;

/// <summary>
/// One connection to Redis for all who use it. It is made in the background and comes back by itself; while it is away there is no database to ask, and nobody waits.
/// </summary>
/// <remarks>Keeps to the API that StackExchange.Redis 1.2 and 2.x have in common.</remarks>
public sealed class RedisLink : IAsyncDisposable
{
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(5);

    private readonly string _configuration;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _connecting;
    private ConnectionMultiplexer? _connection;

    /// <param name="configuration">Servers and options, such as <c>redis1:6379,redis2:6379,password=…</c>.</param>
    /// <param name="logger">Hears of connections lost and made.</param>
    public RedisLink(string configuration, ILogger<RedisLink>? logger = null)
    {
        _configuration = configuration;
        _logger = logger ?? NullLogger<RedisLink>.Instance;
        _connecting = Task.Run(ConnectAsync);
    }

    /// <summary>The connection is there, for the first time or again: what was announced meanwhile was missed.</summary>
    public event Action? Restored;

    /// <summary>Whether commands can be sent now.</summary>
    [MemberNotNullWhen(true, nameof(Connection))]
    public bool IsUp => Connection is { IsConnected: true };

    /// <summary>Null until Redis answered for the first time.</summary>
    public ConnectionMultiplexer? Connection => Volatile.Read(ref _connection);

    /// <summary>Where to send commands; null while Redis is away.</summary>
    public IDatabase? Database => IsUp ? Connection.GetDatabase() : null;

    /// <summary>Why the text configures no Redis; null when it does. The reason repeats nothing of it, as it may hold a password.</summary>
    public static string? WhyRefused(string configuration)
    {
        try
        {
            return ConfigurationOptions.Parse(configuration, ignoreUnknown: false).EndPoints.Count > 0 ? null : "it names no server";
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException or OverflowException)
        {
            return "it is not of the form host:port,host:port,option=value; options are those of StackExchange.Redis";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _connecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Connection is { } connection) await connection.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task ConnectAsync()
    {
        ConfigurationOptions options = ConfigurationOptions.Parse(_configuration);
        options.ClientName ??= "proxysuite";
        // We wait and try again ourselves; the library's first attempt either connects or tells why.
        options.AbortOnConnectFail = true;
        options.ConnectRetry = 1;
        options.ConnectTimeout = Math.Min(options.ConnectTimeout, 2000);
        TimeSpan delay = RetryMin;
        bool isSaid = false;
        while (true)
        {
            try
            {
                ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(options);
                connection.ConnectionFailed += (_, failure) => _logger.RedisLost($"{failure.ConnectionType}: {failure.FailureType}");
                connection.ConnectionRestored += (_, _) => OnRestored();
                Volatile.Write(ref _connection, connection);
                OnRestored();
                return;
            }
            catch (Exception failed) when (failed is RedisConnectionException or TimeoutException or System.Net.Sockets.SocketException or IOException)
            {
                if (!isSaid) _logger.RedisLost(failed.GetType().Name);
                isSaid = true;
            }
            await Task.Delay(delay, _end.Token);
            delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, RetryMax.Ticks));
        }
    }

    private void OnRestored()
    {
        _logger.RedisBack();
        Restored?.Invoke();
    }
}
