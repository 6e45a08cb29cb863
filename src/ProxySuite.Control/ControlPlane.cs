using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using ProxySuite.Control.Jobs;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control;

/// <summary>What every service of the control plane works with: the registry, and who is at work.</summary>
public sealed class ControlPlane : IAsyncDisposable
{
    internal static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    private readonly NpgsqlDataSource _registry;
    private readonly NpgsqlConnectionStringBuilder _lockSettings;
    /// <param name="registry">The registry's database.</param>
    /// <param name="actor">Who is at work, for the audit log.</param>
    public ControlPlane(Dsn registry, string actor)
    {
        var options = new RegistryConnectionOptions { ApplicationName = "proxyctl" };
        _registry = RegistryDataSource.Create(registry, options);
        _lockSettings = registry.ToNpgsql();
        _lockSettings.Pooling = false;
        _lockSettings.ApplicationName ??= options.ApplicationName;
        if (registry.Hosts.Length > 1) _lockSettings.TargetSessionAttributes = "primary";
        Actor = actor;
        Store = new RegistryStore(_registry);
    }

    public RegistryStore Store { get; }

    /// <value>Who is at work, for the audit log.</value>
    public string Actor { get; }

    /// <value>For work that was cut off and needs it to be finished; null when none is at hand.</value>
    public MasterKey? MasterKey { get; init; }

    /// <value>Told how far long work has come, from the thread that does it; null for nobody. For one call at a time: several at once would speak in turns.</value>
    public Action<WorkProgress>? Progress { get; set; }

    internal void Tell(string what, int done, int total) => Progress?.Invoke(new WorkProgress(what, done, total));

    /// <summary>Called at every point where a job may be cut off; tests cut it off there.</summary>
    internal Func<string, Task> Reached { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Carries through what is due: resumptions and purges on their day, and work that was cut off.</summary>
    /// <returns>What was done, and for each why it failed, if it did.</returns>
    public Task<IReadOnlyList<(Job Job, string? Error)>> RunDueAsync(CancellationToken cancellationToken) => new JobRunner(this).RunDueAsync(cancellationToken);

    /// <summary>Makes the registry's schema, or brings an older one up.</summary>
    /// <returns>The versions applied now.</returns>
    /// <exception cref="RegistrySchemaException">The database holds another registry.</exception>
    public async Task<IReadOnlyList<int>> InitAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<int> applied = await RegistrySchema.InitAsync(_registry, cancellationToken);
        if (applied.Count > 0) await AuditAsync("registry.init", "registry", new { After = new { Versions = applied } }, cancellationToken);
        return applied;
    }

    /// <summary>Refuses to go on with a registry that does not fit this program.</summary>
    /// <exception cref="ControlException">The database holds no registry, or one of another version.</exception>
    public async Task RequireRegistryAsync(CancellationToken cancellationToken)
    {
        RegistryVersion version = await RegistrySchema.CheckAsync(_registry, cancellationToken);
        switch (version.State)
        {
            case RegistryState.Missing: throw new ControlException("this database holds no registry", "Run: proxyctl init");
            case RegistryState.Outdated: throw new ControlException($"the registry has version {version.Found}, and {version.Needed} is needed", "Run: proxyctl init");
            case RegistryState.Newer: throw new ControlException($"the registry has version {version.Found}, newer than this program's {version.Needed}", "Use a newer proxyctl.");
        }
    }

    public ValueTask DisposeAsync() => _registry.DisposeAsync();

    /// <summary>Enters what was done in the audit log.</summary>
    /// <param name="action">The verb, such as <c>tenant.create</c>.</param>
    /// <param name="subject">What it was done to, such as <c>tenant acme</c>.</param>
    /// <param name="details">Before and after as far as they differ; no secrets, so no verifiers either.</param>
    internal Task AuditAsync(string action, string subject, object details, CancellationToken cancellationToken)
        => Store.AppendAuditAsync(new AuditEntry(Actor, action, subject, DetailsJson: JsonSerializer.Serialize(details, JsonOptions)), cancellationToken);

    /// <summary>Lets one at a time work on a subject, over all control planes of this registry. A crash lets go of it.</summary>
    /// <returns>Holds the subject until it is disposed.</returns>
    internal async Task<IAsyncDisposable> LockAsync(string subject, CancellationToken cancellationToken) => (await LockAsync(subject, wait: true, cancellationToken))!;

    /// <returns>Null when somebody is at work on the subject.</returns>
    internal Task<IAsyncDisposable?> TryLockAsync(string subject, CancellationToken cancellationToken) => LockAsync(subject, wait: false, cancellationToken);

    private async Task<IAsyncDisposable?> LockAsync(string subject, bool wait, CancellationToken cancellationToken)
    {
        // A connection of its own outside the pool: holders that waited for one more from the same pool would wait for each other.
        var connection = new NpgsqlConnection(_lockSettings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            // Asked again and again instead of waited for: a waiting statement would run into the command timeout.
            while (!await connection.ScalarAsync<bool>("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))", cancellationToken, subject))
            {
                if (!wait)
                {
                    await connection.DisposeAsync();
                    return null;
                }
                await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
            }
            return connection; // closing it releases the lock
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
