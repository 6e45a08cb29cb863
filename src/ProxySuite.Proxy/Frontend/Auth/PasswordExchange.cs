using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Frontend.Auth;

/// <summary>The messages by which a client proves that it knows a password or holds a token. Each asks the brake when the proof is there and before it is looked at.</summary>
/// <param name="pipe">The client; what remains to be sent after the last message is left in <see cref="MessagePipe.Out"/>.</param>
/// <param name="brake">Slows down guessing.</param>
/// <param name="key">Whose failures count.</param>
/// <param name="user">The name that the answer to a refused client repeats.</param>
internal sealed class PasswordExchange(MessagePipe pipe, LoginBrake brake, BrakeKey key, string user)
{
    private static readonly Md5Verifier NobodysHash = Md5Verifier.Create("", Convert.ToHexString(RandomNumberGenerator.GetBytes(32)));

    /// <summary>SCRAM-SHA-256, bound to the TLS channel where the client can.</summary>
    /// <returns>Whether the client knows the password.</returns>
    /// <exception cref="PgProtocolException">A malformed message.</exception>
    /// <exception cref="IOException">The client has gone.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ScramAsync(ScramServer exchange, CancellationToken cancellationToken)
    {
        Authentication.WriteSASL(pipe.Out, withChannelBinding: pipe.ChannelBinding.Length > 0);
        Authentication.WriteSASLContinue(pipe.Out, Start(exchange, await AskAsync("SASL", cancellationToken).ConfigureAwait(false)));
        byte[] last = await AskAsync("SASL", cancellationToken).ConfigureAwait(false);
        await PassAsync(cancellationToken);
        if (!exchange.TryFinish(SASLResponse.Read(last), out byte[]? serverFinal)) return false;
        Authentication.WriteSASLFinal(pipe.Out, serverFinal);
        return true;
    }

    /// <summary>An md5 hash of the stored hash and a salt of this exchange's own.</summary>
    /// <param name="stored">The user's; null for a user who does not exist, for whom the same happens.</param>
    /// <param name="former">A second hash that passes as well; null for none.</param>
    /// <param name="cancellationToken">Ends an exchange that takes too long.</param>
    /// <inheritdoc cref="ScramAsync" path="/returns"/>
    /// <inheritdoc cref="ScramAsync" path="/exception"/>
    public async ValueTask<bool> Md5Async(Md5Verifier? stored, Md5Verifier? former, CancellationToken cancellationToken)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(4);
        Authentication.WriteMD5Password(pipe.Out, BinaryPrimitives.ReadUInt32BigEndian(salt));
        byte[] body = await AskAsync("password", cancellationToken);
        await PassAsync(cancellationToken);
        ReadOnlySpan<byte> answer = PasswordMessage.Read(body).Password;
        bool isRight = (stored ?? NobodysHash).Verify(salt, answer) | (former ?? NobodysHash).Verify(salt, answer);
        return isRight && stored is not null;
    }

    /// <summary>What the client sends as its password in the clear.</summary>
    /// <inheritdoc cref="ScramAsync" path="/exception"/>
    public async ValueTask<byte[]> ClearTextAsync(CancellationToken cancellationToken)
    {
        Authentication.WriteCleartextPassword(pipe.Out);
        byte[] body = await AskAsync("password", cancellationToken);
        await PassAsync(cancellationToken);
        return PasswordMessage.Read(body).Password.ToArray();
    }

    /// <exception cref="LoginFailedException">Too many logins wait already.</exception>
    private async ValueTask PassAsync(CancellationToken cancellationToken)
    {
        if (await brake.PassAsync(key, cancellationToken)) return;
        throw new LoginFailedException(ProxyErrors.LoginFailed(user), "too many logins wait after failures of this tenant from this address", RefusalReason.TooManyFailures);
    }

    private static byte[] Start(ScramServer exchange, byte[] body)
    {
        SASLInitialResponse response = SASLInitialResponse.Read(body);
        return exchange.Start(response.Mechanism, response.Data);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<byte[]> AskAsync(string what, CancellationToken cancellationToken)
    {
        await pipe.FlushAsync(cancellationToken);
        PipeMessage message = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false) ?? throw new IOException("the client left during authentication");
        if ((FrontendMessage)message.Type != FrontendMessage.PasswordMessage) PgProtocolException.Throw($"expected {what} response, got message type {message.Type}");
        return message.Body;
    }
}
