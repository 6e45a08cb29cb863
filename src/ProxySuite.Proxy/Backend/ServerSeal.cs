using System.Text;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>What makes seals for one shared login role of a shard. The key changes with a rotation; touched by one reactor's thread alone.</summary>
/// <param name="role">The login role: part of every seal.</param>
/// <param name="key">The key that the registry names.</param>
internal sealed class SealIssuer(string role, SealKey key)
{
    private readonly byte[] _role = Encoding.UTF8.GetBytes(role);

    /// <summary>The key in use.</summary>
    public SealKey Key { get; set; } = key;

    /// <inheritdoc cref="SealKey.Write"/>
    public int Write(Span<byte> to, TenantId tenant, int pid, long issued) => Key.Write(to, tenant, pid, issued, _role);
}

/// <summary>
/// Whose a shared server connection is, and the proof of it that its session carries. Between two tenants the pool has DISCARD ALL confirmed first: what then
/// stands in front of the next tenant's bytes may fail as it likes, no earlier seal is left that they could run under.
/// </summary>
/// <param name="issuer">Makes the seals.</param>
/// <param name="pid">The server process's own id: a seal says nothing in any other session.</param>
/// <param name="clockOffset">What to add to the reactor's time to get the shard's, in milliseconds; measured at login.</param>
internal sealed class ServerSeal(SealIssuer issuer, int pid, long clockOffset)
{
    /// <summary>A seal older than this is made anew before the next transaction, in milliseconds: a third of the shard's window, for clocks that drift apart.</summary>
    public const long FreshMilliseconds = 1000 * SealKey.WindowSeconds / 3;

    /// <summary>At this age a client that pipelines without a gap is read no further until there is one, in milliseconds.</summary>
    public const long StaleMilliseconds = 2 * FreshMilliseconds;

    /// <summary>Marks the proxy's own messages in the ledger.</summary>
    public static readonly object Mark = new();

    private static ReadOnlySpan<byte> Statement => "proxysuite_seal"u8;

    private static ReadOnlySpan<byte> Sql => "SELECT tenancy.seal($1)"u8;

    private static ReadOnlySpan<byte> TextType => "\0\0\0\u0019"u8;

    private readonly HashSet<TenantId> _served = [];
    private long _issuedAt = -1;
    private bool _hasStatement;

    /// <summary>Whose session it is; null after login and after a reset.</summary>
    public TenantId? Tenant { get; private set; }

    /// <summary>How many tenants it has served.</summary>
    public int TenantsServed => _served.Count;

    /// <summary>The server is lent to a tenant.</summary>
    /// <exception cref="InvalidOperationException">It is another's: it was not reset in between.</exception>
    public void LendTo(TenantId tenant)
    {
        if (Tenant is { } own)
        {
            if (own != tenant) throw new InvalidOperationException("a server connection was lent to another tenant without a reset");
            return;
        }
        Tenant = tenant;
        _served.Add(tenant);
    }

    /// <summary>The session is as after its login: nobody's.</summary>
    public void Clear()
    {
        Forget();
        Tenant = null;
    }

    /// <summary>The session lost its seal: DISCARD ALL.</summary>
    public void Forget()
    {
        _issuedAt = -1;
        _hasStatement = false;
    }

    /// <summary>The client has set something: that may have been the seal, so it is made anew before the next transaction.</summary>
    public void Expire() => _issuedAt = -1;

    /// <summary>The session lost its prepared statements.</summary>
    public void ForgetStatement() => _hasStatement = false;

    /// <summary>True when the next transaction needs a seal in front of it.</summary>
    public bool IsDue(long nowMilliseconds) => _issuedAt < 0 || nowMilliseconds - _issuedAt > FreshMilliseconds;

    /// <summary>True when transactions that start from now on may find the seal too old.</summary>
    public bool IsStale(long nowMilliseconds) => _issuedAt >= 0 && nowMilliseconds - _issuedAt > StaleMilliseconds;

    /// <summary>Puts a seal in front of what is sent next: as a bind parameter, so that it stands in no statement's text. Its replies go to nobody.</summary>
    public void Write(FrameWriter to, ReplyLedger ledger, long nowMilliseconds)
    {
        if (!_hasStatement)
        {
            Parse.Write(to, Statement, Sql, TextType);
            ledger.Push(Owed.Parse, swallow: true, Mark);
            _hasStatement = true;
        }
        Span<byte> seal = stackalloc byte[SealKey.SealBytesMax];
        int length = issuer.Write(seal, Tenant!.Value, pid, (nowMilliseconds + clockOffset) / 1000);
        int mark = to.Begin(FrontendMessage.Bind);
        to.WriteByte(0);
        to.WriteCString(Statement);
        to.WriteInt16(0);
        to.WriteInt16(1);
        to.WriteInt32(length);
        to.WriteBytes(seal[..length]);
        to.WriteInt16(0);
        to.End(mark);
        Execute.Write(to, default);
        Sync.Write(to);
        ledger.Push(Owed.Bind, swallow: true, Mark);
        ledger.Push(Owed.Execute, swallow: true, Mark);
        ledger.Push(Owed.Sync, swallow: true, Mark);
        _issuedAt = nowMilliseconds;
    }
}
