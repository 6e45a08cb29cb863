using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control;

/// <summary>What every service of the control plane works with: the registry, and who is at work.</summary>
/// <param name="registry">The registry's database; stays the caller's.</param>
/// <param name="actor">Who is at work, for the audit log.</param>
public sealed class ControlPlane(NpgsqlDataSource registry, string actor)
{
    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public RegistryStore Store { get; } = new(registry);

    /// <summary>Enters what was done in the audit log.</summary>
    /// <param name="action">The verb, such as <c>tenant.create</c>.</param>
    /// <param name="subject">What it was done to, such as <c>tenant acme</c>.</param>
    /// <param name="details">Before and after as far as they differ; no secrets, so no verifiers either.</param>
    internal Task AuditAsync(string action, string subject, object details, CancellationToken cancellationToken)
        => Store.AppendAuditAsync(new AuditEntry(actor, action, subject, DetailsJson: JsonSerializer.Serialize(details, JsonOptions)), cancellationToken);

    /// <summary>Lets one at a time work on a subject, over all control planes of this registry. A crash lets go of it.</summary>
    /// <returns>Holds the subject until it is disposed.</returns>
    internal async Task<IAsyncDisposable> LockAsync(string subject, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await registry.OpenConnectionAsync(cancellationToken);
        try
        {
            // Taken over and over instead of waited for: a waiting statement would run into the connection's command timeout.
            while (!await connection.ScalarAsync<bool>("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))", cancellationToken, subject))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
            }
            return new SubjectLock(connection, subject);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private sealed class SubjectLock(NpgsqlConnection connection, string subject) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await connection.ExecuteAsync("SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 0))", CancellationToken.None, subject);
            await connection.DisposeAsync();
        }
    }
}
