using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Frontend.Auth;

/// <summary>Whose failures are counted together: one tenant, as it was named, seen from one address.</summary>
internal readonly record struct BrakeKey
{
    private BrakeKey(string tenant, IPAddress? address) => (Tenant, Address) = (tenant, address);

    public string Tenant { get; }

    public IPAddress? Address { get; }

    /// <param name="tenant">Its slug; empty for all names that cannot be one, so that made-up names fill no memory.</param>
    /// <param name="origin">Where the client comes from.</param>
    public static BrakeKey Of(string tenant, ClientOrigin origin) => new(tenant, Network(origin.Address));

    // Whoever has one IPv6 address has a network of 2^64 of them: the network is what counts.
    private static IPAddress? Network(IPAddress? address)
    {
        if (address?.AddressFamily != AddressFamily.InterNetworkV6) return address;
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}

/// <summary>
/// Slows down guessing (A2). Failed logins of one tenant from one address fill a bucket that leaks; once it is full, each further login waits before its
/// proof is looked at, right or wrong, longer each time. A success empties it. Any thread.
/// </summary>
/// <remarks>What waits is bounded, for one key and for all: whoever comes beyond is refused without a look at the proof, so opening more connections buys no guess.</remarks>
/// <param name="options">Options in force.</param>
/// <param name="time">Drives leaks and waits.</param>
/// <param name="stats">Counts the logins that wait.</param>
/// <param name="logger">Told once when a bucket becomes full, and again after it has leaked.</param>
internal sealed class LoginBrake(CurrentOptions options, TimeProvider time, ProxyStats stats, ILogger logger)
{
    /// <summary>Keys remembered; the one that failed longest ago is forgotten first. About 200 bytes each.</summary>
    internal const int EntriesMax = 10_000;

    /// <summary>Logins of one key that may wait at a time.</summary>
    internal const int WaitingPerKeyMax = 4;

    /// <summary>Logins of all keys that may wait at a time.</summary>
    internal const int WaitingMax = 1000;

    /// <summary>The first wait; each further one is twice as long.</summary>
    internal static readonly TimeSpan DelayFirst = TimeSpan.FromMilliseconds(100);

    /// <summary>One failure is forgotten in this time.</summary>
    internal static readonly TimeSpan ForgetInterval = TimeSpan.FromSeconds(10);

    /// <summary>Failures beyond the allowed ones that are counted: the wait has reached its bound by then (100 ms · 2^10 > 1 min), and with the guessing it ends in 100 s.</summary>
    private const int ExcessMax = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<BrakeKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _oldestFirst = [];
    private int _waiting;

    /// <summary>Keys remembered now.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>Logins that wait now.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _waiting;
        }
    }

    /// <summary>To be awaited when the client's proof is there and before it is looked at.</summary>
    /// <returns>False when too many wait already: refuse as if the proof were wrong.</returns>
    /// <exception cref="OperationCanceledException">The login took too long.</exception>
    public ValueTask<bool> PassAsync(BrakeKey key, CancellationToken cancellationToken)
    {
        LinkedListNode<Entry>? node;
        TimeSpan delay;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out node)) return ValueTask.FromResult(true);
            int excess = (int)Leak(node.Value) - options.Value.Auth.FailuresMax;
            if (excess < 0) return ValueTask.FromResult(true);
            if (node.Value.Waiting >= WaitingPerKeyMax || _waiting >= WaitingMax) return ValueTask.FromResult(false);
            delay = DelayFirst * (1 << Math.Min(excess, 20));
            // A login that waits still has to have time to succeed, whatever its deadline is set to.
            AuthOptions auth = options.Value.Auth;
            TimeSpan delayMax = TimeSpan.FromTicks(Math.Min(auth.FailureDelayMax.Ticks, auth.LoginTimeout.Ticks / 2));
            if (delay > delayMax) delay = delayMax;
            node.Value.Waiting++;
            _waiting++;
        }
        stats.LoginDelayed();
        return WaitAsync(node.Value, delay, cancellationToken);
    }

    /// <summary>Counts a wrong proof, or a right one for what does not exist.</summary>
    public void Failed(BrakeKey key)
    {
        int failuresMax = options.Value.Auth.FailuresMax;
        bool becomesFull;
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
            {
                node.Value.Level = Math.Min(Leak(node.Value) + 1, failuresMax + ExcessMax);
                _oldestFirst.Remove(node);
            }
            else
            {
                node = new LinkedListNode<Entry>(new Entry(key) { Level = 1, LevelAt = time.GetTimestamp() });
                _entries.Add(key, node);
            }
            becomesFull = !node.Value.IsFull && node.Value.Level >= failuresMax;
            node.Value.IsFull |= becomesFull;
            _oldestFirst.AddLast(node);
            while (_entries.Count > EntriesMax) Forget(_oldestFirst.First!);
        }
        if (becomesFull) logger.LoginsSlowedDown(key.Tenant, key.Address?.ToString() ?? "[local]", failuresMax);
    }

    /// <summary>Forgets the failures of a key.</summary>
    public void Succeeded(BrakeKey key)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node)) Forget(node);
        }
    }

    private async ValueTask<bool> WaitAsync(Entry entry, TimeSpan delay, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(delay, time, cancellationToken);
            return true;
        }
        finally
        {
            lock (_lock)
            {
                entry.Waiting--;
                _waiting--;
            }
        }
    }

    private double Leak(Entry entry)
    {
        long now = time.GetTimestamp();
        entry.Level = Math.Max(0, entry.Level - time.GetElapsedTime(entry.LevelAt, now) / ForgetInterval);
        entry.LevelAt = now;
        // Half empty again: the next time is news.
        if (entry.Level < options.Value.Auth.FailuresMax / 2.0) entry.IsFull = false;
        return entry.Level;
    }

    private void Forget(LinkedListNode<Entry> node)
    {
        _entries.Remove(node.Value.Key);
        _oldestFirst.Remove(node);
    }

    private sealed class Entry(BrakeKey key)
    {
        public BrakeKey Key { get; } = key;

        public double Level { get; set; }

        public long LevelAt { get; set; }

        public int Waiting { get; set; }

        public bool IsFull { get; set; }
    }
}
