using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Logins to the admin console: always SCRAM, against Admin:Users.</summary>
internal sealed partial class Authenticator
{
    /// <summary>
    /// As <see cref="AuthenticateAsync"/>. Whoever names the console without being its user goes through the exchange that an unknown tenant's user goes through:
    /// neither answer nor time tell whether there is a console here, or who its users are.
    /// </summary>
    /// <inheritdoc cref="AuthenticateAsync" path="/exception"/>
    public async Task AuthenticateAdminAsync(MessagePipe pipe, TenantNaming naming, ClientChannel channel, CancellationToken cancellationToken)
    {
        AuthOptions auth = _options.Value.Auth;
        ClientOrigin origin = channel.Origin;
        HostRule? rule = auth.HostRules.Find(origin, naming.Slug, naming.User);
        if (rule is null or { Method: LoginMethod.Reject }) throw new PgErrorException(ProxyErrors.RefusedByHostRule(rule is not null, origin.Host, naming.User, naming.Slug, origin.IsEncrypted));
        // As unknown tenants are counted, so that the brake does not tell them apart either.
        BrakeKey brakeKey = BrakeKey.Of("", origin);
        try
        {
            CheckCertificate(auth, rule, channel, naming);
            string? stored = VerifierOf(naming.User);
            byte[] name = Encoding.UTF8.GetBytes($"{naming.Slug}\0{naming.User}");
            ScramServer scram = stored is not null && ScramVerifier.TryParse(stored, out ScramVerifier? verifier)
                ? new ScramServer(verifier, pipe.ChannelBinding)
                : ScramServer.ForUnknownUser(_mockSecret, name, pipe.ChannelBinding);
            var exchange = new PasswordExchange(pipe, _brake, brakeKey, naming.User);
            bool isProven = await exchange.ScramAsync(scram, cancellationToken);
            // The client took as long as it liked: who may log in now counts.
            if (!isProven || VerifierOf(naming.User) != stored) throw Failed(naming, LoginMethod.ScramSha256, stored is null ? "no such user of the console" : "wrong password");
            _brake.Succeeded(brakeKey);
        }
        catch (LoginFailedException failed) when (failed.Counted == RefusalReason.Authentication)
        {
            _brake.Failed(brakeKey);
            throw;
        }
    }

    private string? VerifierOf(string user)
    {
        foreach (AdminUser known in _options.Value.Admin.Users)
        {
            if (known.Name == user) return known.Verifier;
        }
        return null;
    }
}
