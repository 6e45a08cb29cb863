using System.Net;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Proxy.Backend;

/// <summary>Where to log in, as whom, and with which settings: all that a server connection of one backend role needs.</summary>
/// <param name="EndPoints">The shard's hosts in order of preference.</param>
/// <param name="Database">Database name on the shard.</param>
/// <param name="Role">Login role.</param>
/// <param name="Password">The role's password; known to the proxy alone and never logged.</param>
/// <param name="Settings">Start-up settings; they become the session's reset values, so no statement of the client can undo them for good.</param>
internal sealed record BackendTarget(
    IReadOnlyList<EndPoint> EndPoints, string Database, string Role, Secret Password, IReadOnlyList<KeyValuePair<string, string>> Settings)
{
    /// <summary>Whether and how far the connection is encrypted and verified.</summary>
    public TlsMode Tls { get; init; } = TlsMode.Disable;

    /// <summary>Makes seals for a role that tenants share; null for a role of one tenant.</summary>
    public SealIssuer? Seals { get; init; }
}

/// <summary>What a login brought back.</summary>
/// <param name="Parameters">Parameters reported until the first ReadyForQuery.</param>
/// <param name="CancelKey">Process id and secret key for a CancelRequest.</param>
/// <param name="ClockMilliseconds">The server's clock at the end of the login, in milliseconds since 1970; 0 where nobody needs it.</param>
internal sealed record BackendLogin(ParameterSnapshot Parameters, CancelKey CancelKey, long ClockMilliseconds = 0);

/// <summary>Process id and secret key of a session; the key has 4 bytes under protocol 3.0 and up to 256 under 3.2.</summary>
internal readonly record struct CancelKey(int ProcessId, ReadOnlyMemory<byte> Key);
