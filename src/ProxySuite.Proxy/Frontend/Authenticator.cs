using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Who a client proved to be.</summary>
internal readonly record struct AuthenticatedUser(TenantEntry Entry, TenantUser User);

/// <summary>
/// Proves that a client is a user of a tenant, by the method that the host rules ask of it. An unknown tenant or user goes through an exchange of the same
/// length and cost, with a salt that stays the same for a name, and gets the answer of a wrong password (A2). Any thread.
/// </summary>
/// <param name="options">Options in force: the host rules.</param>
/// <param name="tenants">Where tenants are looked up.</param>
/// <param name="secret">Makes the salts of users who do not exist; the same on all proxies.</param>
/// <param name="time">Tells whether a password has expired, and drives the brake.</param>
internal sealed class Authenticator(CurrentOptions options, TenantDirectory tenants, MasterKey secret, TimeProvider time)
{
    private readonly LoginBrake _brake = new(options, time);
    private readonly byte[] _mockSecret = secret.Authenticate("proxysuite/mock-scram"u8);

    /// <summary>Runs the exchange up to, and without, AuthenticationOk; what remains to be sent is left in <see cref="MessagePipe.Out"/>.</summary>
    /// <exception cref="PgErrorException">28P01 wrong or unknown; 28000 refused by a host rule, or suspended; 57P03 the registry does not answer; 08P01 a malformed message.</exception>
    /// <exception cref="IOException">The client has gone.</exception>
    public async Task<AuthenticatedUser> AuthenticateAsync(MessagePipe pipe, TenantNaming naming, ClientOrigin origin, CancellationToken cancellationToken)
    {
        HostRule? rule = options.Value.Auth.HostRules.Find(origin, naming.Slug, naming.User);
        // Said before anything is looked up: neither the answer nor its time can tell whether tenant and user exist.
        if (rule is null or { Method: LoginMethod.Reject }) throw new PgErrorException(ProxyErrors.RefusedByHostRule(rule is not null, origin.Host, naming.User, naming.Slug, origin.IsEncrypted));

        TenantEntry? entry = await FindAsync(naming.Slug, cancellationToken);
        TenantUser? user = UserOf(entry, naming);
        BrakeKey brakeKey = BrakeKey.Of(TenantSlug.TryParse(naming.Slug, out _) ? naming.Slug : "", origin);
        bool isProven = rule.Method == LoginMethod.Trust || await ProvesPasswordAsync(pipe, naming, user, brakeKey, cancellationToken);
        if (!isProven || user is null)
        {
            _brake.Failed(brakeKey);
            throw new PgErrorException(ProxyErrors.LoginFailed(naming.User));
        }
        // The client took as long as it liked: what the registry says now counts. For a tenant in memory, which this one is, it is there at once.
        entry = await FindAsync(naming.Slug, cancellationToken);
        if (UserOf(entry, naming) is not { } known || known.Verifier.ToStoredForm() != user.Verifier.ToStoredForm())
        {
            throw new PgErrorException(ProxyErrors.LoginFailed(naming.User));
        }
        if (rule.Method != LoginMethod.Trust) _brake.Succeeded(brakeKey);
        if (!entry!.Tenant.IsActive) throw new PgErrorException(ProxyErrors.TenantSuspended());
        return new AuthenticatedUser(entry, known);
    }

    /// <summary>A SCRAM-SHA-256 exchange; for a user who does not exist one that looks the same and fails.</summary>
    private async Task<bool> ProvesPasswordAsync(MessagePipe pipe, TenantNaming naming, TenantUser? user, BrakeKey brakeKey, CancellationToken cancellationToken)
    {
        ScramServer exchange = user is null
            ? ScramServer.ForUnknownUser(_mockSecret, Encoding.UTF8.GetBytes($"{naming.Slug}\0{naming.User}"), pipe.ChannelBinding)
            : new ScramServer(user.Verifier, pipe.ChannelBinding, former: user.PreviousAt(time.GetUtcNow()));
        Authentication.WriteSASL(pipe.Out, withChannelBinding: pipe.ChannelBinding.Length > 0);
        await pipe.FlushAsync(cancellationToken);
        PipeMessage first = await NextAsync(pipe, cancellationToken);
        Authentication.WriteSASLContinue(pipe.Out, Start(exchange, first.Body));
        await pipe.FlushAsync(cancellationToken);
        PipeMessage last = await NextAsync(pipe, cancellationToken);
        if (!await _brake.PassAsync(brakeKey, cancellationToken)) return false;
        if (!exchange.TryFinish(SASLResponse.Read(last.Body), out byte[]? serverFinal)) return false;
        Authentication.WriteSASLFinal(pipe.Out, serverFinal);
        return true;
    }

    // Whatever the method, and not for passwords alone: whoever set an end meant that the user is out.
    private TenantUser? UserOf(TenantEntry? entry, TenantNaming naming)
        => entry?.Tenant.Users.GetValueOrDefault(naming.User) is { } user && user.IsValidAt(time.GetUtcNow()) ? user : null;

    private async ValueTask<TenantEntry?> FindAsync(string slug, CancellationToken cancellationToken)
    {
        if (!TenantSlug.TryParse(slug, out TenantSlug parsed)) return null;
        TenantLookup found = await tenants.GetAsync(parsed, cancellationToken);
        if (found.Outcome == LookupOutcome.RegistryUnavailable) throw new PgErrorException(ProxyErrors.RegistryUnavailable());
        return found.Entry;
    }

    private static byte[] Start(ScramServer exchange, byte[] body)
    {
        SASLInitialResponse response = SASLInitialResponse.Read(body);
        return exchange.Start(response.Mechanism, response.Data);
    }

    private static async ValueTask<PipeMessage> NextAsync(MessagePipe pipe, CancellationToken cancellationToken)
    {
        PipeMessage message = await pipe.ReadAsync(cancellationToken) ?? throw new IOException("the client left during authentication");
        if ((FrontendMessage)message.Type != FrontendMessage.PasswordMessage) PgProtocolException.Throw($"expected SASL response, got message type {message.Type}");
        return message;
    }
}
