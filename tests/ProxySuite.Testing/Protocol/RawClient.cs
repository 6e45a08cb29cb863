using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Testing.Protocol;

/// <summary>A frontend that does what a test tells it and nothing by itself: bytes of any kind, at any pace, and what comes back.</summary>
public sealed class RawClient : IDisposable
{
    private readonly EndPoint _server;
    private readonly Dictionary<string, string> _parameters = [];

    private RawClient(EndPoint server, Socket socket)
    {
        _server = server;
        Wire = new MessageSocket(socket, Side.Backend);
    }

    /// <summary>The connection itself: half-close, reset, dribble, silence.</summary>
    public MessageSocket Wire { get; }

    public Transcript Transcript => Wire.Transcript;

    /// <summary>What the server reported last, by name of setting.</summary>
    public IReadOnlyDictionary<string, string> Parameters => _parameters;

    /// <summary>From BackendKeyData; 0 before it.</summary>
    public int ProcessId { get; private set; }

    /// <summary>From BackendKeyData; empty before it.</summary>
    public byte[] SecretKey { get; private set; } = [];

    public static Task<RawClient> ConnectAsync(int port) => ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));

    /// <summary>Connects to <c>directory/.s.PGSQL.port</c>.</summary>
    public static Task<RawClient> ConnectUnixAsync(string directory, int port) => ConnectAsync(new UnixDomainSocketEndPoint($"{directory}/.s.PGSQL.{port}"));

    /// <param name="receiveBufferBytes">SO_RCVBUF; a small one makes a slow reader felt soon. 0 leaves the kernel's default.</param>
    public static async Task<RawClient> ConnectAsync(EndPoint server, int receiveBufferBytes = 0)
    {
        bool isUnix = server is UnixDomainSocketEndPoint;
        Socket socket = new(server.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        if (receiveBufferBytes > 0) socket.ReceiveBufferSize = receiveBufferBytes;
        await socket.ConnectAsync(server);
        return new RawClient(server, socket);
    }

    /// <inheritdoc cref="MessageSocket.SendAsync"/>
    public Task SendAsync(params byte[][] messages) => Wire.SendAsync(messages);

    /// <inheritdoc cref="MessageSocket.NextAsync"/>
    public async Task<WireMessage?> NextAsync(TimeSpan? timeout = null)
    {
        WireMessage? message = await Wire.NextAsync(timeout);
        if (message is { IsTyped: true }) Note(message);
        return message;
    }

    /// <summary>Reads up to and with the first message of the type, or to the end of the connection.</summary>
    public async Task<IReadOnlyList<WireMessage>> ReadUntilAsync(BackendMessage last, TimeSpan? timeout = null)
    {
        List<WireMessage> messages = [];
        while (await NextAsync(timeout) is { } message)
        {
            messages.Add(message);
            if (message.IsTyped && message.Type == (char)last) break;
        }
        return messages;
    }

    /// <summary>Sends a simple query and reads its whole answer, ReadyForQuery included.</summary>
    public async Task<IReadOnlyList<WireMessage>> QueryAsync(string sql, TimeSpan? timeout = null)
    {
        await SendAsync(FrontendBytes.Query(sql));
        return await ReadUntilAsync(BackendMessage.ReadyForQuery, timeout);
    }

    /// <summary>The first column of the first row that a simple query gives; null for NULL and for no row.</summary>
    /// <exception cref="InvalidOperationException">The query failed; the message is the error.</exception>
    public async Task<string?> ScalarAsync(string sql, TimeSpan? timeout = null)
    {
        IReadOnlyList<WireMessage> answer = await QueryAsync(sql, timeout);
        if (answer.FirstOrDefault(message => message.Type == (char)BackendMessage.ErrorResponse) is { } error) throw new InvalidOperationException(error.ToString());
        return answer.FirstOrDefault(message => message.Type == (char)BackendMessage.DataRow) is { } row ? FirstValue(row) : null;
    }

    /// <summary>Sends SSLRequest and returns the one byte that answers it; '\0' when the connection ends instead.</summary>
    public async Task<char> RequestSslAsync()
    {
        Wire.ExpectSingleByte();
        await SendAsync(FrontendBytes.SslRequest);
        return await Wire.NextAsync() is { } answer ? (char)answer.Body[0] : '\0';
    }

    /// <summary>Starts up and authenticates; returns at the first ReadyForQuery.</summary>
    /// <param name="password">Used for whatever method is asked for: SCRAM-SHA-256, md5, clear text.</param>
    /// <exception cref="InvalidOperationException">The log-in failed; the message is the error.</exception>
    public async Task LoginAsync(
        string user, string database, string? password = null, IEnumerable<KeyValuePair<string, string>>? parameters = null, ProtocolVersion? version = null)
    {
        if (await TryLoginAsync(user, database, password, parameters, version) is { } error) throw new InvalidOperationException($"{error.Severity} {error.SqlState} {error.Message}");
    }

    /// <summary>As <see cref="LoginAsync"/>.</summary>
    /// <returns>Null when logged in, else the server's error.</returns>
    /// <exception cref="InvalidOperationException">The server ended the connection without a word, or asks for a method this client has not.</exception>
    public async Task<PgError?> TryLoginAsync(
        string user, string database, string? password = null, IEnumerable<KeyValuePair<string, string>>? parameters = null, ProtocolVersion? version = null)
    {
        await SendAsync(FrontendBytes.Startup(user, database, parameters, version));
        ScramClient? scram = null;
        while (await NextAsync() is { } message)
        {
            switch ((BackendMessage)message.Type)
            {
                case BackendMessage.Authentication:
                    scram = await AnswerAsync(message, scram, user, password ?? "");
                    break;
                case BackendMessage.ErrorResponse:
                    return ErrorResponse.Read(message.Body).ToPgError();
                case BackendMessage.ReadyForQuery:
                    return null;
                default:
                    break;
            }
        }
        throw new InvalidOperationException($"the server ended the connection during the log-in ({Wire.Ending}):\n{Transcript}");
    }

    /// <summary>Asks on a connection of its own that the running query be cancelled, and waits until the server has closed it.</summary>
    public async Task CancelAsync()
    {
        using RawClient other = await ConnectAsync(_server);
        await other.SendAsync(FrontendBytes.CancelRequest(ProcessId, SecretKey));
        await other.Wire.ReadToEndAsync();
    }

    public void Dispose() => Wire.Dispose();

    private async Task<ScramClient?> AnswerAsync(WireMessage message, ScramClient? scram, string user, string password)
    {
        (AuthenticationKind kind, byte[] data) = Read(message);
        switch (kind)
        {
            case AuthenticationKind.Ok:
                break;
            case AuthenticationKind.CleartextPassword:
                await SendAsync(FrontendBytes.Password(password));
                break;
            case AuthenticationKind.MD5Password:
                await SendAsync(FrontendBytes.Password(Md5($"{Md5(password + user)[..32]}", data)));
                break;
            case AuthenticationKind.SASL:
                scram = new ScramClient(password);
                await SendAsync(FrontendBytes.Make(to => SASLInitialResponse.Write(to, Authentication.ScramSha256, scram.Start())));
                break;
            case AuthenticationKind.SASLContinue when scram!.TryAnswer(data, out byte[]? clientFinal):
                await SendAsync(FrontendBytes.Make(to => SASLResponse.Write(to, clientFinal)));
                break;
            case AuthenticationKind.SASLFinal:
                scram!.Finish(data);
                break;
            default:
                throw new InvalidOperationException($"the server asks for {kind}");
        }
        return scram;
    }

    // protocol-flow, "AuthenticationMD5Password": 'md5' + md5(md5(password + user) + salt), hex in lower case.
    private static string Md5(string text, byte[]? salt = null)
    {
#pragma warning disable CA5351 // what the protocol asks for
        string hash = Convert.ToHexStringLower(MD5.HashData([.. Encoding.UTF8.GetBytes(text), .. salt ?? []]));
#pragma warning restore CA5351
        return salt is null ? hash : $"md5{hash}";
    }

    private static (AuthenticationKind Kind, byte[] Data) Read(WireMessage message)
    {
        Authentication authentication = Authentication.Read(message.Body);
        return (authentication.Kind, authentication.Data.ToArray());
    }

    private static string? FirstValue(WireMessage row)
    {
        foreach (DataRow.Value value in DataRow.Read(row.Body)) return value.IsNull ? null : Encoding.UTF8.GetString(value.Bytes);
        return null;
    }

    private void Note(WireMessage message)
    {
        switch ((BackendMessage)message.Type)
        {
            case BackendMessage.ParameterStatus:
                ParameterStatus status = ParameterStatus.Read(message.Body);
                _parameters[Encoding.UTF8.GetString(status.Name)] = Encoding.UTF8.GetString(status.Value);
                break;
            case BackendMessage.BackendKeyData:
                BackendKeyData keyData = BackendKeyData.Read(message.Body);
                (ProcessId, SecretKey) = (keyData.ProcessId, keyData.Key.ToArray());
                break;
            default:
                break;
        }
    }
}
