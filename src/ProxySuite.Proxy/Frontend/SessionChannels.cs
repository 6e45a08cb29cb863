using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>The channels of one client, and the notifications that wait until it is between two queries.</summary>
/// <param name="user">The session.</param>
internal sealed class SessionChannels(IChannelUser user)
{
    /// <summary>Channels that one client may have; with more it is pinned.</summary>
    public const int Max = 1000;

    /// <summary>Bytes that may wait for a client in the middle of a transaction, or for one that reads slowly.</summary>
    public const int WaitingBytesMax = 4 << 20;

    private readonly Dictionary<byte[], Entry> _entries = new(BytesComparer.Instance);
    private readonly Queue<(Entry? Channel, byte[] Frame)> _waiting = [];
    private TenantListener? _listener;

    /// <summary>Bytes of notifications that wait.</summary>
    public int WaitingBytes { get; private set; }

    /// <summary>True while it listens to something, or may be about to.</summary>
    public bool Any => _entries.Count > 0;

    /// <summary>Channels now.</summary>
    public int Count => _entries.Count;

    /// <summary>Makes sure that the tenant listens to a channel before the client's own LISTEN goes to a server.</summary>
    /// <returns>True when it does.</returns>
    public bool Prepare(TenantListener listener, byte[] name)
    {
        _listener ??= listener;
        if (!_entries.ContainsKey(name)) _entries.Add(name, new Entry(name));
        return _listener.Join(name, user);
    }

    /// <summary>A change was sent, and what becomes of it is not known.</summary>
    public void NoteSent(ChannelChange change)
    {
        if (change is { IsListen: true, Channel: { } name } && _entries.TryGetValue(name, out Entry? entry)) entry.Pending++;
    }

    /// <summary>The change was committed.</summary>
    public void Apply(ChannelChange change)
    {
        foreach (Entry entry in change.Channel is { } name ? Find(name) : [.. _entries.Values])
        {
            entry.IsActive = change.IsListen;
            if (change.IsListen) entry.Pending--;
            else PartUnlessWanted(entry);
        }
    }

    /// <summary>The change was rolled back, or never ran.</summary>
    public void Drop(ChannelChange change)
    {
        if (!change.IsListen) return;
        foreach (Entry entry in Find(change.Channel!))
        {
            entry.Pending--;
            PartUnlessWanted(entry);
        }
    }

    /// <summary>Lets go of what was prepared and then not sent.</summary>
    public void DropUnsent()
    {
        foreach (Entry entry in _entries.Values.ToArray()) PartUnlessWanted(entry);
    }

    /// <summary>UNLISTEN *, committed.</summary>
    public void Clear()
    {
        foreach (Entry entry in _entries.Values.ToArray())
        {
            entry.IsActive = false;
            PartUnlessWanted(entry);
        }
    }

    /// <summary>The client is gone.</summary>
    public void Leave()
    {
        foreach (Entry entry in _entries.Values) _listener!.Part(entry.Name, user);
        _entries.Clear();
        _waiting.Clear();
        WaitingBytes = 0;
    }

    /// <summary>The tenant is served by another pool.</summary>
    public void MoveTo(TenantListener listener)
    {
        _listener = listener;
        foreach (Entry entry in _entries.Values) listener.Join(entry.Name, user);
    }

    /// <summary>A notification came.</summary>
    /// <param name="message">What was sent.</param>
    /// <param name="processId">Who the client is told it is from.</param>
    /// <param name="isInFlight">A request of the client is under way: it may be the one that commits its LISTEN.</param>
    public void Take(in ChannelMessage message, int processId, bool isInFlight)
    {
        if (!_entries.TryGetValue(message.Channel, out Entry? entry) || !(entry.IsActive || (entry.Pending > 0 && isInFlight))) return;
        var frame = new FrameWriter();
        NotificationResponse.Write(frame, processId, message.Channel, message.Payload);
        Add(entry, frame.WrittenSpan.ToArray());
    }

    /// <summary>Puts a message in line that is for the client whatever channels it has.</summary>
    public void Add(byte[] frame) => Add(null, frame);

    /// <summary>The next message for the client; those of channels that it has left meanwhile are dropped, as PostgreSQL drops them.</summary>
    public bool TryTake(out byte[] frame)
    {
        while (_waiting.TryDequeue(out (Entry? Channel, byte[] Frame) next))
        {
            WaitingBytes -= next.Frame.Length;
            frame = next.Frame;
            if (next.Channel is null or { IsActive: true }) return true;
        }
        frame = [];
        return false;
    }

    private void Add(Entry? channel, byte[] frame)
    {
        _waiting.Enqueue((channel, frame));
        WaitingBytes += frame.Length;
    }

    private void PartUnlessWanted(Entry entry)
    {
        if (entry.IsActive || entry.Pending > 0) return;
        _entries.Remove(entry.Name);
        _listener!.Part(entry.Name, user);
    }

    private Entry[] Find(byte[] name) => _entries.TryGetValue(name, out Entry? entry) ? [entry] : [];

    private sealed class Entry(byte[] name)
    {
        public byte[] Name { get; } = name;

        public bool IsActive { get; set; }

        public int Pending { get; set; } // LISTENs that were sent and whose transaction has not ended
    }
}
