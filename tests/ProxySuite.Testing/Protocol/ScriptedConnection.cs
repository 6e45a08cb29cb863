using System.Net.Sockets;
using System.Security.Cryptography;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Testing.Protocol;

/// <summary>One connection to a <see cref="ScriptedBackend"/>: read and answered by the test, message by message.</summary>
public sealed class ScriptedConnection
{
    internal ScriptedConnection(Socket socket, int processId)
    {
        Wire = new MessageSocket(socket, Side.Frontend);
        ProcessId = processId;
        Key = RandomNumberGenerator.GetBytes(4);
    }

    /// <summary>The connection itself: half-close, reset, dribble, silence.</summary>
    public MessageSocket Wire { get; }

    public Transcript Transcript => Wire.Transcript;

    /// <summary>As told in BackendKeyData; unique within the backend.</summary>
    public int ProcessId { get; }

    /// <summary>As told in BackendKeyData.</summary>
    public byte[] Key { get; }

    /// <summary>Set once the StartupMessage has come.</summary>
    public StartupMessage? Startup { get; private set; }

    /// <summary>True once the log-in is through.</summary>
    public bool IsReady { get; internal set; }

    /// <summary>The next message of the proxy; it is read from the socket only now.</summary>
    /// <exception cref="InvalidOperationException">The proxy ended the connection instead; <see cref="ReadToEndAsync"/> expects that.</exception>
    /// <exception cref="TimeoutException">Nothing came; the message carries the transcript.</exception>
    public async Task<WireMessage> NextAsync(TimeSpan? timeout = null)
        => await Wire.NextAsync(timeout) ?? throw new InvalidOperationException($"the connection ended ({Wire.Ending}). So far:\n{Transcript}");

    /// <inheritdoc cref="MessageSocket.SendAsync"/>
    public Task AnswerAsync(params byte[][] messages) => Wire.SendAsync(messages);

    /// <summary>Waits for the end of the connection and returns what came before it.</summary>
    public Task<IReadOnlyList<WireMessage>> ReadToEndAsync(TimeSpan? timeout = null) => Wire.ReadToEndAsync(timeout);

    /// <summary>Closes in order, without a word.</summary>
    public void Close() => Wire.Dispose();

    /// <summary>Plays the server's part of the start-up.</summary>
    /// <returns>Null after a log-in, or the CancelRequest that came instead of one.</returns>
    /// <exception cref="InvalidOperationException">The proxy left, or its proof was wrong.</exception>
    internal async Task<CancelRequest?> LogInAsync(ScriptedBackendOptions options)
    {
        while (true)
        {
            WireMessage packet = await NextAsync();
            StartupPacket startup = StartupPacket.Read(packet.Frame.Span);
            if (startup.Kind == StartupPacketKind.CancelRequest) return startup.Cancel;
            if (startup.Kind == StartupPacketKind.StartupMessage)
            {
                Startup = startup.Startup;
                break;
            }
            await AnswerAsync("N"u8.ToArray());
        }
        if (options.PasswordOf(Startup!.User) is { } password) await CheckAsync(password);
        await AnswerAsync(
            [
                BackendBytes.AuthenticationOk,
                .. options.Parameters.Select(parameter => BackendBytes.ParameterStatus(parameter.Key, parameter.Value)),
                BackendBytes.BackendKeyData(ProcessId, Key),
                BackendBytes.ReadyForQuery('I'),
            ]);
        IsReady = true;
        return null;
    }

    private async Task CheckAsync(string password)
    {
        // One iteration: tests check the exchange, not how long a guess takes.
        ScramServer scram = new(ScramVerifier.Create(password, iterations: 1));
        await AnswerAsync(FrontendBytes.Make(to => Authentication.WriteSASL(to, withChannelBinding: false)));
        byte[] serverFirst = Begin(scram, await NextAsync());
        await AnswerAsync(FrontendBytes.Make(to => Authentication.WriteSASLContinue(to, serverFirst)));
        WireMessage response = await NextAsync();
        if (!scram.TryFinish(SASLResponse.Read(response.Body), out byte[]? serverFinal))
        {
            await AnswerAsync(BackendBytes.Error("28P01", $"password authentication failed for user \"{Startup!.User}\"", "FATAL"));
            Close();
            throw new InvalidOperationException($"wrong password for {Startup.User}");
        }
        await AnswerAsync(FrontendBytes.Make(to => Authentication.WriteSASLFinal(to, serverFinal)));
    }

    // Its own method, because the message is a ref struct, which an async method cannot keep.
    private static byte[] Begin(ScramServer scram, WireMessage message)
    {
        SASLInitialResponse initial = SASLInitialResponse.Read(message.Body);
        return scram.Start(initial.Mechanism, initial.Data);
    }

    public override string ToString() => $"{ProcessId} {Startup?.User}@{Startup?.Database} ({Wire.Ending})\n{Transcript}";
}
