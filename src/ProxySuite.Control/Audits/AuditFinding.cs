namespace ProxySuite.Control.Audits;

/// <summary>One thing on a shard that weakens the isolation of its tenants.</summary>
/// <param name="Code">What kind of thing, as <see cref="AuditCodes"/> lists it.</param>
/// <param name="Database">Where it is, and where <paramref name="Fix"/> is to be run.</param>
/// <param name="Object">What it is about: a table, role, function or setting, named as SQL names it.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Fix">What mends it: SQL for the database's superuser, a proxyctl command, or, after <c>--</c>, a line of a configuration file.</param>
public sealed record AuditFinding(Severity Severity, string Code, string Shard, string Database, string Object, string Detail, string Fix)
{
    /// <summary>Why it matters.</summary>
    public string Why => AuditCodes.Why(Code);
}
