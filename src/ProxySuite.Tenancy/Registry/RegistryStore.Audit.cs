namespace ProxySuite.Tenancy.Registry;

/// <summary>One thing done to the platform.</summary>
/// <param name="Actor">Who did it.</param>
/// <param name="Action">The verb, such as <c>tenant.create</c>.</param>
/// <param name="Subject">What it was done to, such as <c>tenant acme</c>.</param>
/// <param name="Done">False when it failed.</param>
/// <param name="DetailsJson">A JSON object; holds no secrets.</param>
/// <param name="At">Set by the registry when the entry is written.</param>
public sealed record AuditEntry(
    string Actor, string Action, string Subject, bool Done = true, string DetailsJson = "{}", DateTimeOffset At = default);

public sealed partial class RegistryStore
{
    public Task AppendAuditAsync(AuditEntry entry, CancellationToken cancellationToken = default)
        => ChangeOneAsync(
            Command("INSERT INTO system.audit_log (actor, action, subject, outcome, details) VALUES ($1, $2, $3, $4, $5::jsonb)",
                entry.Actor, entry.Action, entry.Subject, entry.Done ? "done" : "failed", entry.DetailsJson),
            RegistryFailure.Refused, "the audit entry was not written", cancellationToken);

    /// <summary>The latest entries, newest first.</summary>
    /// <param name="subject">Only what was done to this; null for all.</param>
    /// <param name="limit">Most entries; 1 to 10 000.</param>
    /// <param name="since">Only those not older than this; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<IReadOnlyList<AuditEntry>> ListAuditAsync(string? subject = null, int limit = 100, TimeSpan? since = null, CancellationToken cancellationToken = default)
        => QueryAsync(
            Command(
                """
                SELECT actor, action, subject, outcome, details::text, at FROM system.audit_log
                WHERE ($1::text IS NULL OR subject = $1) AND ($3::interval IS NULL OR at >= now() - $3::interval) ORDER BY id DESC LIMIT $2
                """, subject, limit, since),
            reader => new AuditEntry(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3) == "done", reader.GetString(4),
                reader.GetFieldValue<DateTimeOffset>(5)),
            cancellationToken);
}
