using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Who a client proved to be.</summary>
/// <param name="Entry">The tenant and where it lives.</param>
/// <param name="User">Its user, with the role that this session has.</param>
internal readonly record struct AuthenticatedUser(TenantEntry Entry, TenantUser User);

/// <summary>
/// Proves that a client is a user of a tenant, by the method that the host rules ask of it. An unknown tenant or user goes through an exchange of the same
/// length and cost, with a salt that stays the same for a name, and gets the answer of a wrong password (A2). Any thread.
/// </summary>
internal sealed partial class Authenticator
{
    private readonly CurrentOptions _options;
    private readonly TenantDirectory _tenants;
    private readonly TimeProvider _time;
    private readonly LoginBrake _brake;
    private readonly byte[] _mockSecret;

    /// <param name="options">Options in force: the host rules and their files.</param>
    /// <param name="tenants">Where tenants are looked up.</param>
    /// <param name="secret">Makes the salts of users who do not exist; the same on all proxies.</param>
    /// <param name="time">Tells whether a password or token has expired, and drives the brake.</param>
    /// <param name="stats">Counts what the brake does.</param>
    /// <param name="logger">Told when it begins to.</param>
    public Authenticator(CurrentOptions options, TenantDirectory tenants, MasterKey secret, TimeProvider time, ProxyStats stats, ILogger logger)
    {
        (_options, _tenants, _time) = (options, tenants, time);
        _brake = new LoginBrake(options, time, stats, logger);
        _mockSecret = secret.Authenticate("proxysuite/mock-scram"u8);
    }

    /// <summary>Whether nobody may log in to a shard now, because of what its audit found.</summary>
    public Func<ShardId, bool> RefusesShard { get; init; } = static _ => false;

    /// <summary>Runs the exchange up to, and without, AuthenticationOk; what remains to be sent is left in <see cref="MessagePipe.Out"/>.</summary>
    /// <param name="pipe">The client.</param>
    /// <param name="naming">Whom it named.</param>
    /// <param name="channel">What its connection says of it.</param>
    /// <param name="cancellationToken">Ends a login that takes too long.</param>
    /// <exception cref="PgErrorException">28P01 wrong or unknown; 28000 refused by a host rule, for its certificate or its address, or suspended; 57P03 the registry does not answer;
    /// 08P01 a malformed message.</exception>
    /// <exception cref="IOException">The client has gone.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<AuthenticatedUser> AuthenticateAsync(MessagePipe pipe, TenantNaming naming, ClientChannel channel, CancellationToken cancellationToken)
    {
        AuthOptions auth = _options.Value.Auth;
        ClientOrigin origin = channel.Origin;
        HostRule? rule = auth.HostRules.Find(origin, naming.Slug, naming.User);
        // Said before anything is looked up: neither the answer nor its time can tell whether tenant and user exist.
        if (rule is null or { Method: LoginMethod.Reject }) throw new PgErrorException(ProxyErrors.RefusedByHostRule(rule is not null, origin.Host, naming.User, naming.Slug, origin.IsEncrypted));
        // A token is all that its bearer needs: it must not cross a network where others can read it.
        if (rule.Method == LoginMethod.Jwt && !origin.IsEncrypted && !origin.IsOfThisMachine) throw new PgErrorException(ProxyErrors.TlsRequired());

        BrakeKey brakeKey = BrakeKey.Of(TenantSlug.TryParse(naming.Slug, out _) ? naming.Slug : "", origin);
        try
        {
            CheckCertificate(auth, rule, channel, naming);
            var exchange = new PasswordExchange(pipe, _brake, brakeKey, naming.User);
            AuthenticatedUser proven = rule.Method switch
            {
                LoginMethod.ScramSha256 or LoginMethod.Md5 => await ProvePasswordAsync(exchange, rule, naming, pipe.ChannelBinding, cancellationToken).ConfigureAwait(false),
                LoginMethod.Jwt => await ProveTokenAsync(exchange, auth, channel, naming, cancellationToken),
                LoginMethod.Cert or LoginMethod.Trust => await FindAsync(naming, rule.Method, cancellationToken),
                _ => throw new InvalidOperationException($"no login by {rule.Method}"),
            };
            if (rule.Method is not (LoginMethod.Trust or LoginMethod.Cert)) _brake.Succeeded(brakeKey);
            // Only now, and so only to the tenant's own users, what the tenant itself does not allow.
            if (!proven.Entry.Tenant.IsActive) throw new PgErrorException(ProxyErrors.TenantSuspended());
            if (!proven.Entry.Tenant.AllowedAddresses.Allows(origin.Address)) throw new PgErrorException(ProxyErrors.AddressNotAllowed(origin.Host));
            if (RefusesShard(proven.Entry.Shard.Id)) throw new PgErrorException(ProxyErrors.ShardNotSafe());
            return proven;
        }
        catch (LoginFailedException failed) when (failed.Counted == RefusalReason.Authentication)
        {
            _brake.Failed(brakeKey);
            throw;
        }
    }

    private static void CheckCertificate(AuthOptions auth, HostRule rule, ClientChannel channel, TenantNaming naming)
    {
        if (rule.ClientCertificate == ClientCertificate.NotAsked) return;
        if (!channel.HasCertificate) throw new PgErrorException(ProxyErrors.ClientCertificateRequired());
        // Where a token is still to name the tenant, the name is compared once it has.
        if (rule.ClientCertificate == ClientCertificate.VerifyCa || (rule.Method == LoginMethod.Jwt && !naming.IsNamed)) return;
        if (channel.CommonName is { } name && auth.IdentMaps.Allows(rule, name, naming.Slug, naming.User)) return;
        throw new LoginFailedException(ProxyErrors.CertificateLoginFailed(naming.User), $"the certificate's name \"{channel.CommonName}\" is not for this user, by the host rule in line {rule.Line}");
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AuthenticatedUser> ProvePasswordAsync(
        PasswordExchange exchange, HostRule rule, TenantNaming naming, byte[] channelBinding, CancellationToken cancellationToken)
    {
        TenantUser? user = (await LookUpAsync(naming.Slug, cancellationToken))?.Tenant.Users.GetValueOrDefault(naming.User);
        PasswordVerifier? former = user?.PreviousAt(_time.GetUtcNow());
        bool isProven;
        if (rule.Method == LoginMethod.Md5 && (user is null ? IsMockMd5(NameOf(naming)) : user.Verifier is Md5Verifier))
        {
            isProven = await exchange.Md5Async(user?.Verifier as Md5Verifier, former as Md5Verifier, cancellationToken);
        }
        else
        {
            // A user with an md5 hash only is, to rules without md5, one without a password.
            ScramServer scram = user?.Verifier is ScramVerifier verifier
                ? new ScramServer(verifier, channelBinding, former: former as ScramVerifier)
                : ScramServer.ForUnknownUser(_mockSecret, NameOf(naming), channelBinding);
            isProven = await exchange.ScramAsync(scram, cancellationToken).ConfigureAwait(false);
        }
        if (!isProven) throw Failed(naming, rule.Method, user is null ? "no such tenant or user" : user.Verifier is Md5Verifier && rule.Method != LoginMethod.Md5 ? "the user has an md5 hash, and the host rule does not take it" : "wrong password");
        // The client took as long as it liked: what the registry says now counts. For a tenant in memory, which this one is, it is there at once.
        AuthenticatedUser now = await FindAsync(naming, rule.Method, cancellationToken);
        bool isSame = ReferenceEquals(now.User.Verifier, user!.Verifier) || now.User.Verifier.ToStoredForm() == user.Verifier.ToStoredForm();
        return isSame ? now : throw Failed(naming, rule.Method, "the password was changed during the login");
    }

    private static byte[] NameOf(TenantNaming naming) => Encoding.UTF8.GetBytes($"{naming.Slug}\0{naming.User}");

    // Who asks for names that do not exist is asked for md5 or SCRAM by chance, and always the same for a name: the request for md5 says nothing of a name.
    private bool IsMockMd5(byte[] name) => (HMACSHA256.HashData(_mockSecret, (byte[])[.. "md5\0"u8, .. name])[0] & 1) != 0;

    private async Task<AuthenticatedUser> ProveTokenAsync(PasswordExchange exchange, AuthOptions auth, ClientChannel channel, TenantNaming naming, CancellationToken cancellationToken)
    {
        byte[] token = await exchange.ClearTextAsync(cancellationToken);
        JwtClaims claims;
        try
        {
            // A signature on a curve takes as long as several queries: not on the reactor's time.
            claims = await Task.Run(() => JwtVerifier.Verify(token, auth.Keys, auth, _time.GetUtcNow()), cancellationToken);
        }
        catch (JwtRefusedException refused)
        {
            throw Failed(naming, LoginMethod.Jwt, refused.Message);
        }
        if (claims.User != naming.User) throw Failed(naming, LoginMethod.Jwt, $"the token is for user \"{claims.User}\"");
        if (naming.IsNamed && claims.Tenant != naming.Slug) throw Failed(naming, LoginMethod.Jwt, $"the token is for tenant \"{claims.Tenant}\"");
        if (!naming.IsNamed)
        {
            naming = new TenantNaming(claims.Tenant, naming.User);
            // The rule that was found is one for the name the client gave; it must not lead around the rules for the tenant it turns out to mean.
            if (auth.HostRules.Find(channel.Origin, naming.Slug, naming.User) is not { Method: LoginMethod.Jwt } rule)
                throw Failed(naming, LoginMethod.Jwt, $"no host rule lets tokens in to tenant \"{naming.Slug}\" from here");
            CheckCertificate(auth, rule, channel, naming);
        }
        AuthenticatedUser found = await FindAsync(naming, LoginMethod.Jwt, cancellationToken);
        return claims.Role is { } role ? found with { User = found.User with { Role = Lesser(role, found.User.Role) } } : found;
    }

    /// <summary>The user as the registry has it now; one whose time is over is none, whatever the method: whoever set an end meant that the user is out.</summary>
    private async ValueTask<AuthenticatedUser> FindAsync(TenantNaming naming, LoginMethod method, CancellationToken cancellationToken)
    {
        TenantEntry entry = await LookUpAsync(naming.Slug, cancellationToken) ?? throw Failed(naming, method, "no such tenant");
        TenantUser user = entry.Tenant.Users.GetValueOrDefault(naming.User) ?? throw Failed(naming, method, "no such user");
        return user.IsValidAt(_time.GetUtcNow()) ? new AuthenticatedUser(entry, user) : throw Failed(naming, method, $"the user was valid until {user.ValidUntil:u}");
    }

    private ValueTask<TenantEntry?> LookUpAsync(string slug, CancellationToken cancellationToken)
    {
        if (!TenantSlug.TryParse(slug, out TenantSlug parsed)) return ValueTask.FromResult<TenantEntry?>(null);
        ValueTask<TenantLookup> found = _tenants.GetAsync(parsed, cancellationToken);
        // In memory as a rule: nothing to wait for.
        return found.IsCompletedSuccessfully ? ValueTask.FromResult(EntryOf(found.Result)) : WaitAsync(found);

        static async ValueTask<TenantEntry?> WaitAsync(ValueTask<TenantLookup> found) => EntryOf(await found);
    }

    private static TenantEntry? EntryOf(TenantLookup found)
        => found.Outcome == LookupOutcome.RegistryUnavailable ? throw new PgErrorException(ProxyErrors.RegistryUnavailable()) : found.Entry;

    // One answer for all reasons within a method.
    private static LoginFailedException Failed(TenantNaming naming, LoginMethod method, string reason)
        => new(method == LoginMethod.Cert ? ProxyErrors.CertificateLoginFailed(naming.User) : ProxyErrors.LoginFailed(naming.User), reason);

    private static UserRole Lesser(UserRole left, UserRole right) => Rank(left) < Rank(right) ? left : right;

    private static int Rank(UserRole role) => role switch { UserRole.Owner => 2, UserRole.App => 1, _ => 0 };
}
