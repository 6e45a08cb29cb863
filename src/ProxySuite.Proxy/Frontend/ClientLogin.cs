using ProxySuite.Proxy.Backend;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What the handshake found out about a client.</summary>
/// <param name="User">User name within the tenant.</param>
/// <param name="Role">What the user may do, and so which backend role it works as.</param>
/// <param name="Settings">Settings from its start-up packet.</param>
/// <param name="CancelKeyLength">Bytes of the cancel key it is given: 4 under protocol 3.0, 32 under 3.2.</param>
/// <param name="IsReplication">It asked for a logical replication connection.</param>
internal sealed record ClientLogin(string User, UserRole Role, SessionSettings Settings, int CancelKeyLength, bool IsReplication = false);
