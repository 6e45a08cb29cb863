using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The one connection on which a tenant listens for all its clients, so that LISTEN keeps nobody's server. It is opened with the first channel and closed with
/// the last, stands outside the tenant's budget and inside the shard's cap, and comes back by itself when it is lost.
/// </summary>
/// <remarks>Files: this one holds the channels and the connection's life; .Messages.cs what comes in and whether it is this tenant's. One reactor's thread alone: a tenant
/// that is served by several listens on each where a client wants to, and all but the first of these stand inside its budget.</remarks>
internal sealed partial class TenantListener : IListenerOwner, IShardUser
{
    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RoomInterval = TimeSpan.FromMilliseconds(20);

    private readonly TenantPool _pool;
    private readonly Reactor _reactor;
    private readonly CurrentOptions _options;
    private readonly ServerOpener _opener;
    private readonly Dictionary<byte[], Channel> _channels = new(BytesComparer.Instance);
    private readonly List<ListenerConnection> _closing = [];
    private readonly Dictionary<ListenerConnection, ShardPlace> _places = [];
    private readonly ShardClaim _claim;
    private readonly RetryPause _retryPause;
    private readonly WheelTimer _patienceTimer;
    private ListenerConnection? _connection;
    private bool _isOpening;
    private bool _hasGap;      // the connection was lost while channels were on
    private bool _isRetired;
    private bool _isCounted;   // among the tenant's listeners

    public TenantListener(TenantPool pool, Reactor reactor, CurrentOptions options, ServerOpener opener)
    {
        _pool = pool;
        _reactor = reactor;
        _options = options;
        _opener = opener;
        _claim = new ShardClaim(pool.Shard, reactor, this);
        _retryPause = new RetryPause(reactor, BackoffMin, BackoffMax, Open);
        _patienceTimer = new WheelTimer(static listener => ((TenantListener)listener!).OnPatienceOver(), this);
    }

    /// <summary>True while the connection stands.</summary>
    public bool IsUp => _connection is not null;

    /// <summary>True when there is no connection, and none on its way in or out.</summary>
    public bool IsGone => _connection is null && !_isOpening && _claim.IsAtRest && _closing.Count == 0;

    /// <inheritdoc/>
    int IShardUser.Weight => _pool.Config.Weight;

    /// <inheritdoc/>
    int IShardUser.Parts => _pool.Budget.Parts;

    /// <inheritdoc/>
    int IShardUser.Minimum => 0;

    // Beside its pool, which would else pay for a connection that serves no query.
    /// <inheritdoc/>
    long IShardUser.Served => 0;

    private bool IsNeeded => !_isRetired && (_channels.Count > 0 || _inbox.Count > 0 || _reactor.NowMilliseconds < _keepUntil);

    /// <summary>Makes a user one of a channel's.</summary>
    /// <returns>True when it is listened to already; otherwise the user is told when it is, or that it will not be.</returns>
    public bool Join(byte[] name, IChannelUser user)
    {
        if (!_channels.TryGetValue(name, out Channel? channel))
        {
            _channels.Add(name, channel = new Channel(name));
            if (_connection is { } connection) Listen(connection, channel);
        }
        if (!channel.Users.Contains(user)) channel.Users.Add(user);
        if (channel.IsOn) return true;
        if (!_patienceTimer.IsArmed) _reactor.Timers.Arm(_patienceTimer, _options.Value.Pool.QueryWaitTimeout);
        Open();
        return false;
    }

    /// <summary>True when the channel is listened to.</summary>
    public bool IsOn(byte[] name) => _channels.TryGetValue(name, out Channel? channel) && channel.IsOn;

    /// <summary>The user wants nothing of this channel any more.</summary>
    public void Part(byte[] name, IChannelUser user)
    {
        if (!_channels.TryGetValue(name, out Channel? channel) || !channel.Users.Remove(user) || channel.Users.Count > 0) return;
        _channels.Remove(name);
        if (_channels.Count > 0) _connection?.Ask($"UNLISTEN {Identifier(name)}", static (_, _) => { });
        else CloseUnlessNeeded();
    }

    /// <summary>The tenant's backend is another one now: servers of the old one say nothing about it.</summary>
    public void Restart()
    {
        if (_connection is not { } connection) return;
        _closing.Add(connection);
        Lose();
        connection.Close();
    }

    /// <summary>The pool ends; users go over to its successor's listener.</summary>
    public void Retire()
    {
        _isRetired = true;
        foreach (IChannelUser user in Users()) user.OnListenerReplaced();
        CloseUnlessNeeded();
    }

    /// <summary>Ends what does not answer and what nobody needs any more. Called about once a second.</summary>
    public void Tidy()
    {
        long tooOld = _reactor.NowMilliseconds - (long)_options.Value.Pool.CancelTimeout.TotalMilliseconds;
        if (_connection is { WaitingSince: > 0 } stuck && stuck.WaitingSince < tooOld) stuck.Abort();
        foreach (ListenerConnection leaving in _closing.ToArray())
        {
            if (leaving.WaitingSince < tooOld) leaving.Abort();
        }
        CloseUnlessNeeded();
    }

    private void Open()
    {
        if (!IsNeeded || _connection is not null || _isOpening || _retryPause.IsOn) return;
        if (!_isCounted)
        {
            _isCounted = true;
            _pool.Budget.AddListener();
        }
        if (!_pool.Budget.HasRoom)
        {
            // The tenant listens on another reactor as well, and a server goes for this one: when it comes back, or at once when it is idle.
            _retryPause.Begin(RoomInterval);
            return;
        }
        if (_claim.TryTake() is not { } place) return;
        _isOpening = true;
        _ = OpenAsync(place);
    }

    private async Task OpenAsync(ShardPlace place)
    {
        ListenerConnection? connection = null;
        PoolConfig config = _pool.Config;
        BackendTarget target = config.Targets[0];
        OpenFailure? failure = null;
        try
        {
            connection = await _opener.OpenListenerAsync(_reactor, target, this, _options.Value);
        }
        catch (OpenException refused)
        {
            failure = refused.Failure;
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            failure = new OpenFailure($"{bug.GetType().Name}: {bug.Message}", IsPermanent: false);
        }
        _isOpening = false;
        if (connection is null)
        {
            place.Failed(isShardsFault: !failure!.IsPermanent && !failure.MayHaveMoved);
            _opener.LogFailure(config.Tenant, config.Shard, target.Role, failure);
            Fail(ProxyErrors.ShardUnavailable());
            RetryLater();
            return;
        }
        place.Opened();
        _places.Add(connection, place);
        _connection = connection;
        if (config.Fingerprint != _pool.Config.Fingerprint || !IsNeeded)
        {
            connection.Close();
            _closing.Add(connection);
            _connection = null;
            Open();
            return;
        }
        _hasGap &= _channels.Count > 0;
        foreach (Channel channel in _channels.Values.ToArray()) Listen(connection, channel);
        Resolve();
    }

    private void Listen(ListenerConnection connection, Channel channel)
        => connection.Ask($"LISTEN {Identifier(channel.Name)}", (succeeded, _) =>
        {
            if (!ReferenceEquals(connection, _connection)) return;
            if (!succeeded)
            {
                // A standby, or a server that is full: not something that the next attempt may not find otherwise.
                connection.Abort();
                return;
            }
            _retryPause.Forget();
            channel.IsOn = true;
            foreach (IChannelUser user in channel.Users.ToArray()) user.OnChannelOn();
            if (!_hasGap || _channels.Values.Any(static other => !other.IsOn)) return;
            _hasGap = false;
            foreach (IChannelUser user in Users()) user.OnNotificationsMissed();
        });

    /// <inheritdoc/>
    void IListenerOwner.OnListenerClosed(ListenerConnection listener)
    {
        if (_places.Remove(listener, out ShardPlace? place)) place.Dispose();
        if (!_closing.Remove(listener) && ReferenceEquals(listener, _connection)) Lose();
        Uncount();
    }

    private void Lose()
    {
        _connection = null;
        foreach (Channel channel in _channels.Values)
        {
            _hasGap |= channel.IsOn;
            channel.IsOn = false;
        }
        DropUnjudged();
        RetryLater();
    }

    private void RetryLater()
    {
        if (!IsNeeded || _retryPause.IsOn) return;
        _retryPause.CountFailure();
        _retryPause.Begin();
    }

    private void CloseUnlessNeeded()
    {
        if (IsNeeded) return;
        _retryPause.End();
        _reactor.Timers.Disarm(_patienceTimer);
        _hasGap = false;
        _claim.StepOut();
        if (_connection is { } connection)
        {
            _connection = null;
            _closing.Add(connection);
            connection.Close();
        }
        Uncount();
    }

    private void Uncount()
    {
        if (!_isCounted || IsNeeded || !IsGone) return;
        _isCounted = false;
        _pool.Budget.RemoveListener();
    }

    private void OnPatienceOver()
    {
        if (_channels.Values.All(static channel => channel.IsOn)) return;
        TimeSpan waited = _options.Value.Pool.QueryWaitTimeout;
        Fail(_claim.IsInLine ? ProxyErrors.WaitedTooLong(waited, _pool.Shard.Total) : _pool.Budget.HasRoom ? ProxyErrors.ShardUnavailable() : ProxyErrors.WaitedTooLong(waited, _pool.Budget.Total));
    }

    private void Fail(Wire.Errors.PgError error)
    {
        foreach (IChannelUser user in _channels.Values.Where(static channel => !channel.IsOn).SelectMany(static channel => channel.Users).Distinct().ToArray()) user.OnChannelsFailed(error);
    }

    /// <inheritdoc/>
    void IShardUser.OnShardPlace() => Open();

    /// <inheritdoc/>
    bool IShardUser.OnEvictionWanted() => false;

    private IChannelUser[] Users() => [.. _channels.Values.SelectMany(static channel => channel.Users).Distinct()];

    private static string Identifier(byte[] name) => Sql.Identifier(System.Text.Encoding.UTF8.GetString(name));

    /// <summary>A channel that somebody of the tenant listens to, or is about to.</summary>
    private sealed class Channel(byte[] name)
    {
        public byte[] Name { get; } = name;

        public bool IsOn { get; set; }

        public List<IChannelUser> Users { get; } = [];
    }
}
