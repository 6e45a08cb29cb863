namespace ProxySuite.Proxy.Options;

/// <summary>What a proxy does about findings of a shard's audit.</summary>
public enum AuditAction : byte
{
    Off,    // no audit
    Warn,   // metrics and a line in the log
    Refuse, // and no new logins to a shard while critical findings stand, or before its first audit
}

/// <summary>Section <c>Isolation</c>: whether shards are looked at for what weakens the isolation of their tenants (B8).</summary>
public sealed record IsolationOptions
{
    /// <summary>Audit each prepared shard at start and again every <see cref="AuditInterval"/>, and what to do about findings.</summary>
    /// <value>off, warn or refuse; default warn. Reloadable.</value>
    public AuditAction Audit { get; init; } = AuditAction.Warn;

    /// <summary>Time between two audits of a shard.</summary>
    /// <value>10 s to 24 h; default 10 min. Reloadable, for the wait that starts next.</value>
    public TimeSpan AuditInterval { get; init; } = TimeSpan.FromMinutes(10);

    internal static IsolationOptions Read(SectionReader section) => new()
    {
        Audit = section.OneOf(nameof(Audit), new IsolationOptions().Audit, Reload.Live),
        AuditInterval = section.Duration(nameof(AuditInterval), new IsolationOptions().AuditInterval, TimeSpan.FromSeconds(10), TimeSpan.FromHours(24), Reload.Live),
    };
}
