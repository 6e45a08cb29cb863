using System.Text.Json;

namespace ProxySuite.Proxy.Listening;

/// <summary>An answer of a health page.</summary>
/// <param name="IsGood">True for status 200, false for 503.</param>
/// <param name="Json">The body.</param>
internal readonly record struct HealthAnswer(bool IsGood, byte[] Json);

/// <summary>
/// The pages /healthz (should this process live on?) and /readyz (should it get new clients?). A registry that is away fails neither as long as known
/// tenants are served: restarting or unrouting every proxy would turn the registry's outage into everybody's (B2).
/// </summary>
internal sealed class HealthPages(IProxyServer server, RegistryProbe registry)
{
    /// <summary>How long reactors get to answer a ping. They answer within a turn of the loop, microseconds to milliseconds; seconds mean that one is stuck.</summary>
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Alive: while it runs, every reactor turns.</summary>
    public async Task<HealthAnswer> LiveAsync(CancellationToken cancellationToken)
    {
        ServerHealth health = server.Health;
        if (health.Phase is ServerPhase.Accepting or ServerPhase.Draining && !await ReactorsAnswerAsync(cancellationToken).ConfigureAwait(false))
            return Answer(false, "failing", $"a reactor has not answered for {PingTimeout.TotalSeconds} s", health);
        return Answer(true, "ok", null, health);
    }

    /// <summary>Ready: it accepts clients and can serve some.</summary>
    public async Task<HealthAnswer> ReadyAsync()
    {
        ServerHealth health = server.Health;
        if (health.Phase != ServerPhase.Accepting) return Answer(false, "not ready", PhaseName(health.Phase), health);
        if (health is not { RegistryReachable: true, RegistryKnown: true })
            health = health with { RegistryReachable = await registry.IsReachableAsync().ConfigureAwait(false) };
        return health switch
        {
            { RegistryReachable: true } => Answer(true, "ready", null, health),
            { RegistryKnown: true } => Answer(true, "degraded", "the registry cannot be reached; known tenants are served", health),
            _ => Answer(false, "not ready", "the registry cannot be reached and no tenant is known", health),
        };
    }

    private async Task<bool> ReactorsAnswerAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(PingTimeout);
        try
        {
            await server.PingReactorsAsync(timeout.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static HealthAnswer Answer(bool isGood, string status, string? reason, ServerHealth health)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("status"u8, status);
            if (reason is not null) json.WriteString("reason"u8, reason);
            json.WriteString("phase"u8, PhaseName(health.Phase));
            json.WriteBoolean("registryReachable"u8, health.RegistryReachable);
            json.WriteNumber("clients"u8, health.Clients);
            json.WriteEndObject();
        }
        return new HealthAnswer(isGood, body.ToArray());
    }

    private static string PhaseName(ServerPhase phase) => phase switch
    {
        ServerPhase.Starting => "starting",
        ServerPhase.Accepting => "accepting",
        ServerPhase.Draining => "draining",
        _ => "stopped",
    };
}
