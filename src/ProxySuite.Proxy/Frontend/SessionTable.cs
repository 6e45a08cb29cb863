using System.Security.Cryptography;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// The sessions of one reactor by the process id that their clients were given. The id names the reactor, so that a CancelRequest, which comes on a
/// connection of its own, finds its way; in session mode it is the server's, and all reactors are asked.
/// </summary>
internal sealed class SessionTable(int reactor)
{
    // 31 bits, as clients take the id for a positive number: 7 of the reactor, 24 of the session.
    private const int SessionBits = 24;
    private const int SessionMask = (1 << SessionBits) - 1;

    private readonly Dictionary<int, ClientSession> _byId = [];

    // In session mode ids are the servers' own, and two servers may have the same: the key tells their clients apart.
    private readonly List<ClientSession> _twins = [];
    private int _last = RandomNumberGenerator.GetInt32(SessionMask);

    /// <summary>Reactors that fit into an id.</summary>
    public const int ReactorsMax = 127;

    /// <summary>Sessions now.</summary>
    public int Count => _byId.Count + _twins.Count;

    /// <summary>All sessions, for draining; not to be changed while walked.</summary>
    public IReadOnlyCollection<ClientSession> All => _twins.Count == 0 ? _byId.Values : [.. _byId.Values, .. _twins];

    /// <summary>Which reactor an id belongs to.</summary>
    public static int ReactorOf(int processId) => (processId >>> SessionBits) & 0x7f;

    /// <summary>Picks an id that is not in use.</summary>
    public int NewId()
    {
        int id;
        do
        {
            _last = (_last + 1) & SessionMask;
            id = (reactor << SessionBits) | _last;
        }
        while (id == 0 || _byId.ContainsKey(id));
        return id;
    }

    public void Add(ClientSession session)
    {
        if (!_byId.TryAdd(session.ProcessId, session)) _twins.Add(session);
    }

    public void Remove(ClientSession session)
    {
        if (_twins.Count > 0) RemoveTwin(session);
        else _byId.Remove(session.ProcessId);
    }

    private void RemoveTwin(ClientSession session)
    {
        if (_twins.Remove(session)) return;
        _byId.Remove(session.ProcessId);
        if (_twins.Find(twin => twin.ProcessId == session.ProcessId) is not { } twin) return;
        _twins.Remove(twin);
        _byId.Add(twin.ProcessId, twin);
    }

    /// <summary>The session with this id and key. The key is compared in constant time: it is all that keeps strangers from cancelling.</summary>
    public ClientSession? Find(int processId, ReadOnlySpan<byte> key)
    {
        if (!_byId.TryGetValue(processId, out ClientSession? session)) return null;
        if (CryptographicOperations.FixedTimeEquals(session.CancelSecret, key)) return session;
        foreach (ClientSession twin in _twins)
        {
            if (twin.ProcessId == processId && CryptographicOperations.FixedTimeEquals(twin.CancelSecret, key)) return twin;
        }
        return null;
    }
}
