using System.Globalization;
using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// What comes in. In a database that tenants share NOTIFY crosses from one to the other, so a notification is delivered only when its sender is known to be this
/// tenant: a server process of this pool, now or until a moment ago, or one whose login role is the tenant's as pg_stat_activity has it.
/// </summary>
internal sealed partial class TenantListener
{
    // Shorter than a process id can come round to another process, so that what is remembered of an id is true of its process.
    private const long RememberedFor = 2000;

    // A connection that was opened for questions alone stays for the next ones.
    private const long KeptFor = 5000;

    private const int InboxMax = 10_000;

    private readonly Queue<Item> _inbox = [];
    private readonly Dictionary<int, (bool IsOurs, long Until)> _senders = [];
    private long _keepUntil;
    private bool _isAsking;

    /// <inheritdoc/>
    void IListenerOwner.OnNotification(ListenerConnection listener, NotificationResponse notification)
    {
        if (!ReferenceEquals(listener, _connection)) return;
        Take(new Item(new ChannelMessage(notification.ProcessId, listener.RemoteEndPoint, notification.Channel.ToArray(), notification.Payload.ToArray()), null, null));
    }

    /// <summary>A server lent to <paramref name="user"/> was notified: passes it back when it is this tenant's.</summary>
    public void Judge(IChannelUser user, in ChannelMessage message) => Take(new Item(message, user, null));

    /// <summary>
    /// Calls back when all notifications that were committed before this call have been delivered: the engine signals listeners before it answers a COMMIT, and a
    /// listener passes on what it was signalled before its next ReadyForQuery (async.c, postgres.c). At once, when nothing can come.
    /// </summary>
    public void Barrier(Action passed)
    {
        if (_connection is not { } connection)
        {
            passed();
            return;
        }
        connection.Ask("", (_, _) =>
        {
            _inbox.Enqueue(new Item(default, null, passed));
            Resolve();
        });
    }

    /// <summary>A server process of the pool has ended; what it sent may still be on its way.</summary>
    public void NoteClosed(ServerConnection server)
    {
        if (_connection is { } connection && Equals(server.RemoteEndPoint, connection.RemoteEndPoint)) Remember(server.CancelKey.ProcessId, true);
    }

    private void Take(in Item item)
    {
        if (_inbox.Count >= InboxMax)
        {
            // More than is looked up: a gap that is told, instead of memory without an end.
            _inbox.Clear();
            _connection?.Abort();
            return;
        }
        _inbox.Enqueue(item);
        Resolve();
    }

    /// <summary>Passes on, in order, what is known to be the tenant's, up to the first whose sender has to be asked for.</summary>
    private void Resolve()
    {
        while (_inbox.TryPeek(out Item item))
        {
            bool? isOurs = item.Passed is null ? IsOurs(item.Message) : null;
            if (item.Passed is null && isOurs is null)
            {
                AskFor(item.Message);
                return;
            }
            _inbox.Dequeue();
            if (item.Passed is not null) item.Passed();
            else if (isOurs == true) Deliver(item);
        }
    }

    private void Deliver(in Item item)
    {
        if (item.Only is not null)
        {
            item.Only.OnJudged(item.Message);
            return;
        }
        if (!_channels.TryGetValue(item.Message.Channel, out Channel? channel)) return;
        foreach (IChannelUser user in channel.Users.ToArray()) user.OnNotification(item.Message);
    }

    private bool? IsOurs(in ChannelMessage message)
    {
        switch (_pool.Config.Notifications)
        {
            case NotificationReach.OwnDatabase:
                return true;
            case NotificationReach.None:
                return false;
        }
        if (_pool.OwnsProcess(message.ProcessId, message.Origin)) return true;
        // What is asked and remembered is about the listener's own server; a pool may have connections to another host of its shard.
        if (_connection is { } connection && !Equals(connection.RemoteEndPoint, message.Origin)) return false;
        return _senders.TryGetValue(message.ProcessId, out (bool IsOurs, long Until) known) && _reactor.NowMilliseconds < known.Until ? known.IsOurs : null;
    }

    private void AskFor(in ChannelMessage message)
    {
        _keepUntil = _reactor.NowMilliseconds + KeptFor;
        if (_isAsking) return;
        if (_isRetired)
        {
            _inbox.Clear();
            return;
        }
        if (_connection is not { } connection)
        {
            Open();
            return;
        }
        _isAsking = true;
        int processId = message.ProcessId;
        string sql = string.Create(CultureInfo.InvariantCulture, $"SELECT usename FROM pg_catalog.pg_stat_activity WHERE pid OPERATOR(pg_catalog.=) {processId}");
        connection.Ask(sql, (succeeded, role) =>
        {
            _isAsking = false;
            // Not found, or not to be seen: not ours.
            if (ReferenceEquals(connection, _connection)) Remember(processId, succeeded && role is not null && _pool.Config.Targets.Any(target => target.Role == role));
            Resolve();
        });
    }

    private void Remember(int processId, bool isOurs)
    {
        if (_senders.Count > 1000) _senders.Clear();
        _senders[processId] = (isOurs, _reactor.NowMilliseconds + RememberedFor);
    }

    /// <summary>The connection is lost, and with it the way to ask: nobody is given what nobody can vouch for.</summary>
    private void DropUnjudged()
    {
        _isAsking = false;
        _senders.Clear();
        while (_inbox.TryDequeue(out Item item)) item.Passed?.Invoke();
    }

    /// <summary>A notification to judge and pass on, or the end of a barrier.</summary>
    private readonly record struct Item(ChannelMessage Message, IChannelUser? Only, Action? Passed);
}
