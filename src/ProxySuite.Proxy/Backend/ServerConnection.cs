using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>
/// One logged-in connection to a shard: what it carries (settings, statements, parameters), what it owes (the ledger), and whom it works for.
/// Owned by one reactor; a pool lends it and takes it back.
/// </summary>
/// <remarks>A connection whose state is in doubt is closed, never repaired (design §5).</remarks>
internal sealed partial class ServerConnection : IConnectionHandler
{
    private readonly TransportConnection _link;
    private readonly IServerOwner _owner;
    private readonly Interner<ParameterSnapshot> _parameters;
    private int _bodyLeft;
    private bool _isBodyForwarded;
    private bool _isResetting;
    private bool _sawDiscardAll;
    private int _probed;              // statements of the probe that are answered; -1 when one failed
    private SessionRemains _remains;
    private SessionSettings? _settingsUnderWay;
    private long _contextUpTo = -1; // number in the ledger of the last message of settings and seal
    private IServerUser? _user;
    private IServerTap? _tap;
    private ServerWork _work;

    public ServerConnection(TransportConnection link, IServerOwner owner, BackendLogin login, Interner<ParameterSnapshot> parameters, long openedAt)
    {
        _link = link;
        _owner = owner;
        _parameters = parameters;
        Parameters = parameters.Intern(login.Parameters);
        CancelKey = login.CancelKey;
        OpenedAt = LastUsedAt = openedAt;
        // A result that the server sent whole before it went is the client's, however slowly it reads.
        link.ReadsToEnd = true;
    }

    /// <summary>Replies owed.</summary>
    public ReplyLedger Ledger { get; } = new();

    /// <summary>The prepared statements it holds.</summary>
    public ServerStatements Statements { get; } = new();

    /// <summary>The host it was opened to; a cancel has to go to the same.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>The address that it was connected to in the end.</summary>
    public EndPoint RemoteEndPoint => _link.RemoteEndPoint;

    /// <summary>Bytes that the server has not taken yet.</summary>
    public int QueuedBytes => _link.QueuedBytes;

    /// <summary>How a cancel is to be encrypted: no less than this connection.</summary>
    public required TlsMode CancelTls { get; init; }

    /// <summary>The server's own pid and key, for a CancelRequest.</summary>
    public CancelKey CancelKey { get; }

    /// <summary>Parameters the server has reported.</summary>
    public ParameterSnapshot Parameters { get; private set; }

    /// <summary>Settings in force beyond those of the start-up packet, once all that was sent is answered.</summary>
    public SessionSettings Settings { get; private set; } = SessionSettings.None;

    /// <summary>Reactor time in milliseconds at login, and at the last check-in.</summary>
    public long OpenedAt { get; }

    /// <inheritdoc cref="OpenedAt"/>
    public long LastUsedAt { get; set; }

    /// <summary>Reactor time in ticks at which it was lent last.</summary>
    public long LentAt { get; set; }

    /// <summary>Reactor time in milliseconds until which nobody else of a crowded shard has a claim on its place.</summary>
    public long ShareUntil { get; set; }

    /// <summary>What its owner keeps about it.</summary>
    public object? Kept { get; set; }

    /// <summary>Something may have been left in the session: reset before the next client.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Closed at check-in whatever its state.</summary>
    public bool IsCondemned { get; set; }

    /// <summary>The server sent a FATAL error before it closed, and the user has it.</summary>
    public bool HasSaidWhy { get; private set; }

    /// <summary>Cancel requests sent and not yet known to be over: until then a new client's query could be hit.</summary>
    public int CancelsUnderWay { get; set; }

    /// <summary>How far its work has come, for those who watch the time.</summary>
    public ref ServerWork Work => ref _work;

    /// <summary>Whom it works for, or null.</summary>
    public IServerUser? User => _user;

    /// <summary>True while part of a message has gone to the user and the rest has not come.</summary>
    public bool IsMidMessage => _bodyLeft > 0 && _isBodyForwarded;

    /// <summary>Which of the tenant's backend roles it is logged in as.</summary>
    public int RoleIndex { get; init; }

    /// <summary>Whose it is, where tenants share it, and the proof of that which its session carries; null where it is one tenant's for life.</summary>
    public ServerSeal? Seal { get; init; }

    /// <summary>The settings generation of the pool that it was opened under.</summary>
    public int Generation { get; init; }

    /// <summary>Whether it can be used, is on its way out, or is gone.</summary>
    public ServerState State { get; private set; }

    /// <summary>True unless it can be used.</summary>
    public bool IsClosed => State != ServerState.Open;

    /// <summary>Reactor time in milliseconds after which a reset, or the wait for the server to hang up, has taken too long; 0 for none.</summary>
    public long OverdueAt { get; set; }

    /// <summary>The pool is closing it and waits for the server to hang up.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Checked in, and held back until cancel requests for it are over.</summary>
    public bool IsParked { get; private set; }

    /// <summary>True while a DISCARD ALL of the pool is under way.</summary>
    public bool IsResetting => _isResetting;

    /// <summary>Settings are in front of what the client is about to send, and nothing else is owed.</summary>
    public bool OwesSettingsAlone => _contextUpTo == Ledger.LastPushed && Ledger.Count > 0;

    /// <summary>True while queued bytes hold the sender back.</summary>
    public bool IsBackedUp => _link.QueuedBytes > 0;

    /// <summary>Number of the client session it was lent to last; 0 for none.</summary>
    public long LastSession { get; set; }

    /// <summary>Holds it back until cancel requests for it are over: one that is still on its way would hit whoever comes next.</summary>
    /// <param name="deadline">Reactor time in milliseconds after which that has taken too long.</param>
    public void Park(long deadline)
    {
        IsDirty = true;
        IsParked = true;
        OverdueAt = deadline;
    }

    /// <summary>A cancel request for this server is over.</summary>
    /// <param name="isOver">True when the shard has closed the connection that carried it; false when nobody knows where it is: it may still hit whatever the server runs.</param>
    public void OnCancelDone(bool isOver)
    {
        CancelsUnderWay--;
        if (!isOver) IsCondemned = true;
        if (!IsParked || CancelsUnderWay > 0) return;
        IsParked = false;
        if (!IsClosed) _owner.OnCancelsOver(this);
    }

    /// <summary>Starts relaying for <paramref name="user"/>.</summary>
    public void Link(IServerUser user) => _user = user;

    /// <summary>Ends the lending; the user gets nothing more.</summary>
    public void Unlink()
    {
        _user = null;
        _tap = null;
    }

    /// <summary>From now on, for good, <paramref name="tap"/> gets all bytes of the server as they come; the ledger knows nothing of them, so nobody else is ever lent this connection.</summary>
    public void Tap(IServerTap tap)
    {
        _tap = tap;
        IsCondemned = true;
    }

    /// <summary>Sends what has been entered into the ledger.</summary>
    /// <returns>False while bytes are queued: stop reading the client until <see cref="IServerUser.OnServerDrained"/>.</returns>
    public bool Send(ReadOnlySpan<byte> bytes) => _link.Send(bytes);

    /// <summary>The user can take replies again.</summary>
    public void ResumeReplies()
    {
        if (!IsClosed) _link.ResumeReading();
    }

    /// <summary>Puts the SQL that brings the session to <paramref name="wanted"/> in front of what is sent next; its replies go to nobody.</summary>
    public void WriteSettings(FrameWriter to, SessionSettings wanted)
    {
        string sql = wanted.SqlFrom(Settings);
        // random() is all that DISCARD ALL leaves behind: the next tenant shall not know what it will give.
        if (Seal is not null && ReferenceEquals(Settings, SessionSettings.None)) sql += string.Create(CultureInfo.InvariantCulture, $"SET seed = {RandomNumberGenerator.GetInt32(-1_000_000_000, 1_000_000_000) / 1e9:F9};");
        Query.Write(to, sql);
        Ledger.Push(Owed.Query, swallow: true);
        // A Query destroys the unnamed statement, whoever sent it (protocol-flow: Extended Query).
        Statements.Unnamed = default;
        _settingsUnderWay = wanted;
        _contextUpTo = Ledger.LastPushed;
    }

    /// <summary>Puts the proof of whose session it is in front of what is sent next; its replies go to nobody.</summary>
    public void WriteSeal(FrameWriter to, long nowMilliseconds)
    {
        Seal!.Write(to, Ledger, nowMilliseconds);
        _contextUpTo = Ledger.LastPushed;
    }

    /// <summary>The client's own SET was accepted and committed: this is what the session now carries.</summary>
    public void NoteSettings(SessionSettings settings)
    {
        Settings = settings;
        Seal?.Expire();
    }

    /// <summary>Asks what is left in the session; the user is told. Only while nothing is owed, and at a time when nobody waits for the answer.</summary>
    public void Probe(FrameWriter scratch)
    {
        _probed = 0;
        _remains = SessionRemains.None;
        IsProbing = true;
        Ledger.Push(Owed.Query, swallow: true);
        Statements.Unnamed = default;
        scratch.Clear();
        Query.Write(scratch, SessionProbe.Sql);
        _link.Send(scratch.WrittenSpan);
    }

    /// <summary>True while the answer to <see cref="Probe"/> is owed.</summary>
    public bool IsProbing { get; private set; }

    /// <summary>Cleans the session; the owner is told when the server has confirmed it. Only while nothing is owed.</summary>
    public void Reset(FrameWriter scratch)
    {
        _isResetting = true;
        _sawDiscardAll = false;
        Ledger.Push(Owed.Query, swallow: true);
        scratch.Clear();
        Query.Write(scratch, "DISCARD ALL"u8);
        _link.Send(scratch.WrittenSpan);
    }

    /// <summary>
    /// Ends the connection with a good-bye behind all that was sent: the server carries that out, or is cancelled by the caller, and then hangs up.
    /// The owner is told when it has, so that a permit is not given away while the backend still lives. Only at a message boundary.
    /// </summary>
    public void Close()
    {
        if (State != ServerState.Open) return;
        State = ServerState.Closing;
        Unlink();
        // Inside a transaction the server rolls back; inside a COPY IN it takes the good-bye for the protocol violation that ends the session too.
        _link.Send("X\0\0\0\u0004"u8);
        _link.ResumeReading();
    }

    /// <summary>As <see cref="Close"/>, in the middle of a message: end-of-stream takes the good-bye's place.</summary>
    public void Cut()
    {
        if (State != ServerState.Open) return;
        State = ServerState.Closing;
        Unlink();
        _link.FinishSending();
        _link.ResumeReading();
    }

    /// <summary>Ends the connection at once: a deadline has run out, or what the server says makes no sense.</summary>
    public void Abort()
    {
        if (State == ServerState.Closed) return;
        State = ServerState.Closed;
        Unlink();
        _link.Abort();
        _owner.OnServerClosed(this);
    }

    /// <inheritdoc/>
    public Consumed OnBytes(ReadOnlySpan<byte> received)
    {
        if (State == ServerState.Closing) return new Consumed(received.Length, KeepReading: true);
        try
        {
            return _tap is { } tap ? tap.OnServerBytes(received) : Relay(received);
        }
        catch (PgProtocolException)
        {
            Fail(ServerLoss.Violation);
            return new Consumed(received.Length, KeepReading: false);
        }
    }

    /// <inheritdoc/>
    public void OnDrained()
    {
        if (_tap is { } tap) tap.OnServerDrained();
        else _user?.OnServerDrained();
    }

    /// <inheritdoc/>
    public void OnClosed(CloseCause cause) => Fail(ServerLoss.Closed);

    private void Fail(ServerLoss loss)
    {
        if (State == ServerState.Closed) return;
        (IServerUser? user, IServerTap? tap) = (_user, _tap);
        Abort();
        user?.OnServerLost(this, loss);
        tap?.OnServerLost(loss);
    }
}

/// <summary>Life of a server connection after its login.</summary>
internal enum ServerState : byte
{
    Open,    // lent, or idle in its pool
    Closing, // nobody uses it any more; it still holds its permit
    Closed,  // gone
}
