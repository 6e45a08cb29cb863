using System.Security.Cryptography;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// The sessions of one reactor by the process id that their clients were given. The id names the reactor, so that a CancelRequest, which comes on a
/// connection of its own, finds its way.
/// </summary>
internal sealed class SessionTable(int reactor)
{
    // 31 bits, as clients take the id for a positive number: 7 of the reactor, 24 of the session.
    private const int SessionBits = 24;
    private const int SessionMask = (1 << SessionBits) - 1;

    private readonly Dictionary<int, ClientSession> _byId = [];
    private int _last = RandomNumberGenerator.GetInt32(SessionMask);

    /// <summary>Reactors that fit into an id.</summary>
    public const int ReactorsMax = 127;

    /// <summary>Sessions now.</summary>
    public int Count => _byId.Count;

    /// <summary>All sessions, for draining; not to be changed while walked.</summary>
    public IReadOnlyCollection<ClientSession> All => _byId.Values;

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

    public void Add(ClientSession session) => _byId.Add(session.ProcessId, session);

    public void Remove(ClientSession session) => _byId.Remove(session.ProcessId);

    /// <summary>The session with this id and key. The key is compared in constant time: it is all that keeps strangers from cancelling.</summary>
    public ClientSession? Find(int processId, ReadOnlySpan<byte> key)
        => _byId.TryGetValue(processId, out ClientSession? session) && CryptographicOperations.FixedTimeEquals(session.CancelSecret, key) ? session : null;
}
