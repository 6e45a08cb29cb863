using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Backend;

/// <summary>Logs in to a server (protocol-flow: Start-up). Nothing a client sent goes into the start-up packet: it is built from the registry alone.</summary>
internal static class ServerLogin
{
    private const int ParametersUsual = 16; // PostgreSQL 18 reports 15

    /// <summary>Runs the exchange until the server is ready.</summary>
    /// <exception cref="OpenException">The server refused the login, or asked for what the proxy does not do.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static async Task<BackendLogin> RunAsync(TransportConnection link, BackendTarget target, ScramKeyCache keys, CancellationToken cancellationToken)
    {
        var pipe = new MessagePipe(link.Pipe, bodyLengthMax: 64 * 1024);
        StartupMessage.Write(pipe.Out, ProtocolVersion.V30,
            [new("user", target.Role), new("database", target.Database), new("client_encoding", "UTF8"), .. target.Settings]);
        await pipe.FlushAsync(cancellationToken);
        await AuthenticateAsync(pipe, target, keys, cancellationToken);

        var reported = new List<KeyValuePair<string, string>>(ParametersUsual);
        CancelKey cancelKey = default;
        while (true)
        {
            PipeMessage message = await NextAsync(pipe, target, cancellationToken).ConfigureAwait(false); // as MessagePipe says
            switch ((BackendMessage)message.Type)
            {
                case BackendMessage.ParameterStatus:
                    reported.Add(Read(message.Body));
                    break;
                case BackendMessage.BackendKeyData:
                    cancelKey = KeyOf(message.Body);
                    break;
                case BackendMessage.NoticeResponse:
                    break;
                case BackendMessage.ReadyForQuery:
                    return new BackendLogin(ParameterSnapshot.Of(reported), cancelKey, target.Seals is null ? 0 : await ReadClockAsync(pipe, target, cancellationToken));
                default:
                    throw Refused(target, $"unexpected message type {message.Type} during login", isPermanent: false);
            }
        }
    }

    /// <summary>What time it is for the server: seals are judged by its clock.</summary>
    private static async Task<long> ReadClockAsync(MessagePipe pipe, BackendTarget target, CancellationToken cancellationToken)
    {
        Query.Write(pipe.Out, "SELECT (1000 * extract(epoch FROM pg_catalog.clock_timestamp()))::pg_catalog.int8");
        await pipe.FlushAsync(cancellationToken);
        long? clock = null;
        while (true)
        {
            PipeMessage message = await NextAsync(pipe, target, cancellationToken).ConfigureAwait(false);
            switch ((BackendMessage)message.Type)
            {
                case BackendMessage.DataRow:
                    foreach (DataRow.Value value in DataRow.Read(message.Body))
                    {
                        if (Utf8Parser.TryParse(value.Bytes, out long milliseconds, out _)) clock = milliseconds;
                    }
                    break;
                case BackendMessage.ReadyForQuery:
                    return clock ?? throw Refused(target, "the server does not say what time it is", isPermanent: false);
            }
        }
    }

    private static async Task AuthenticateAsync(MessagePipe pipe, BackendTarget target, ScramKeyCache keys, CancellationToken cancellationToken)
    {
        ScramClient? scram = null;
        bool hasProven = false;
        while (true)
        {
            PipeMessage message = await NextAsync(pipe, target, cancellationToken).ConfigureAwait(false);
            if ((BackendMessage)message.Type != BackendMessage.Authentication) throw Refused(target, "no authentication request", isPermanent: false);
            switch (Authentication.Read(message.Body).Kind)
            {
                // A server may let everybody in. One that has begun an exchange must end it: that is how it proves that it knows the password's verifier.
                case AuthenticationKind.Ok when scram is null || hasProven:
                    return;
                case AuthenticationKind.Ok:
                    throw Refused(target, "the server has not proved that it knows the password", isPermanent: true);
                case AuthenticationKind.SASL when scram is null && Authentication.Read(message.Body).Offers(Authentication.ScramSha256):
                    scram = new ScramClient(target.Password.Reveal(), keys.Find(target));
                    SASLInitialResponse.Write(pipe.Out, Authentication.ScramSha256, scram.Start());
                    break;
                case AuthenticationKind.SASLContinue when scram is not null:
                    // Few rounds as a rule (the control plane sets 1, as the password is random); many are done off the reactor's thread.
                    byte[] challenge = Authentication.Read(message.Body).Data.ToArray();
                    byte[]? answer = null;
                    ScramClient exchange = scram;
                    if (exchange.Keys is null) await Task.Run(() => exchange.TryAnswer(challenge, out answer), cancellationToken);
                    else exchange.TryAnswer(challenge, out answer);
                    SASLResponse.Write(pipe.Out, answer);
                    break;
                case AuthenticationKind.SASLFinal when scram is not null:
                    scram.Finish(Authentication.Read(message.Body).Data);
                    hasProven = true;
                    if (scram.Keys is { } proven) keys.Keep(target, proven);
                    continue;
                default:
                    throw Refused(target, "the server asks for an authentication method other than SCRAM-SHA-256", isPermanent: true);
            }
            await pipe.FlushAsync(cancellationToken);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<PipeMessage> NextAsync(MessagePipe pipe, BackendTarget target, CancellationToken cancellationToken)
    {
        PipeMessage message = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false) ?? throw Refused(target, "the server closed the connection during login", isPermanent: false);
        if ((BackendMessage)message.Type == BackendMessage.ErrorResponse) throw Refusal(target, message.Body);
        return message;
    }

    private static OpenException Refusal(BackendTarget target, byte[] body)
    {
        ErrorFields fields = ErrorResponse.Read(body);
        string code = fields.TryGet((byte)'C', out ReadOnlySpan<byte> state) ? Encoding.UTF8.GetString(state) : "";
        string text = fields.TryGet((byte)'M', out ReadOnlySpan<byte> message) ? Encoding.UTF8.GetString(message) : "";
        // Starting up, shutting down, or out of connections: that passes. A login that is refused as such does not.
        bool isPermanent = code is not (SqlState.CannotConnectNow or SqlState.TooManyConnections or SqlState.AdminShutdown or SqlState.CrashShutdown);
        // Fenced (no LOGIN, no CONNECT), other credentials, or a database that is elsewhere now: what a tenant that has moved meets at its old shard.
        bool mayHaveMoved = code is SqlState.InvalidAuthorizationSpecification or SqlState.InsufficientPrivilege or SqlState.InvalidPassword or SqlState.InvalidCatalogName;
        return Refused(target, $"{code} {text}", isPermanent, mayHaveMoved);
    }

    private static OpenException Refused(BackendTarget target, string reason, bool isPermanent, bool mayHaveMoved = false)
        => new(new OpenFailure($"login as {target.Role} to {target.EndPoints[0]}/{target.Database} failed: {reason}", isPermanent, mayHaveMoved));

    private static KeyValuePair<string, string> Read(byte[] body)
    {
        ParameterStatus status = ParameterStatus.Read(body);
        return new(Words.TextOf(status.Name), Words.TextOf(status.Value));
    }

    private static CancelKey KeyOf(byte[] body)
    {
        BackendKeyData data = BackendKeyData.Read(body);
        return new CancelKey(data.ProcessId, data.Key.ToArray());
    }
}
