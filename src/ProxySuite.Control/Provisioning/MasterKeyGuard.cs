using Npgsql;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Provisioning;

/// <summary>
/// Sees that a shard's login roles all have passwords from one master key. With another key they would be made just as well, and no proxy could log in.
/// </summary>
internal static class MasterKeyGuard
{
    /// <summary>64 bits of an HMAC: enough to tell keys apart, nothing to find one by.</summary>
    public static string FingerprintOf(MasterKey key) => Convert.ToHexStringLower(key.Authenticate("proxysuite/fingerprint"u8).AsSpan(0, 8));

    /// <summary>The first key used on a shard leaves its fingerprint there; any other is refused afterwards.</summary>
    /// <param name="shared">A connection to the shard's shared database.</param>
    /// <exception cref="ControlException">Another key.</exception>
    public static async Task RequireAsync(NpgsqlConnection shared, MasterKey key, CancellationToken cancellationToken)
    {
        string fingerprint = FingerprintOf(key);
        await shared.ExecuteAsync("INSERT INTO proxysuite.master_key (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING", cancellationToken, fingerprint);
        if (await shared.ScalarAsync<string>("SELECT fingerprint FROM proxysuite.master_key", cancellationToken) != fingerprint)
        {
            throw new ControlException("the master key is not the one that this shard's tenants were made with",
                "Name the file that the proxies use: --master-key-file FILE.");
        }
    }
}
