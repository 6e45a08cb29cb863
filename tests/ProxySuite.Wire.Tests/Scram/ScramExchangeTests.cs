using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;
using ProxySuite.Wire.Tests.Captures;
using Xunit;

namespace ProxySuite.Wire.Tests.Scram;

public sealed class ScramExchangeTests
{
    // RFC 7677 §3: user "user", password "pencil".
    private const string ClientNonce = "rOprNGfwEbeRWgbNEkqO";
    private const string ServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    private const string Salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
    private const string ClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    private const string ServerFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    private const string ClientFinal =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    private const string ServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    private static readonly ScramVerifier Verifier = ScramVerifier.Create("pencil", 4096, Convert.FromBase64String(Salt));

    [Fact]
    public void The_client_speaks_as_in_RFC_7677()
    {
        var client = new ScramClient("pencil", user: "user", nonce: ClientNonce);
        Assert.Equal(ClientFirst, Text(client.Start()));
        Assert.True(client.TryAnswer(Bytes(ServerFirst), out byte[]? final));
        Assert.Equal(ClientFinal, Text(final));
        client.Finish(Bytes(ServerFinal));
    }

    [Fact]
    public void The_server_speaks_as_in_RFC_7677()
    {
        var server = new ScramServer(Verifier, nonce: ServerNonce);
        Assert.Equal(ServerFirst, Text(server.Start("SCRAM-SHA-256"u8, Bytes(ClientFirst))));
        Assert.True(server.TryFinish(Bytes(ClientFinal), out byte[]? final));
        Assert.Equal(ServerFinal, Text(final));
        Assert.True(server.IsAuthenticated);
    }

    [Theory]
    [InlineData("pg15-login-scram")]
    [InlineData("pg18-login-scram")]
    public void The_client_accepts_the_signature_of_a_real_server(string conversation)
    {
        IEnumerable<CapturedMessage> login = Capture.Read(conversation).Where(m => m.Bytes[0] is (byte)'p' or (byte)'R');
        string[] messages = [.. login.Select(m => Encoding.Latin1.GetString(m.Bytes))];
        string nonce = messages[1][(messages[1].IndexOf("r=", StringComparison.Ordinal) + 2)..];
        var client = new ScramClient("pencil", nonce: nonce);
        Assert.True(client.TryAnswer(Bytes(messages[2][9..]), out byte[]? final));
        Assert.Equal(messages[3][5..], Text(final));
        client.Finish(Bytes(messages[4][9..]));
    }

    [Fact]
    public void A_name_with_a_comma_or_an_equals_sign_is_escaped()
        => Assert.Equal("n,,n=a=2Cb=3Dc,r=x", Text(new ScramClient("p", user: "a,b=c", nonce: "x").Start()));

    [Theory]
    [InlineData("wrong")]
    [InlineData("")]
    public void A_wrong_password_is_refused_without_an_answer(string password)
    {
        (ScramServer server, byte[] final) = Converse(new ScramServer(Verifier), new ScramClient(password));
        Assert.False(server.TryFinish(final, out byte[]? answer));
        Assert.Null(answer);
        Assert.False(server.IsAuthenticated);
        Assert.Throws<InvalidOperationException>(server.GetKeys);
    }

    [Fact]
    public void Keys_of_one_exchange_serve_the_next_without_the_password()
    {
        var first = new ScramClient("pencil");
        (ScramServer server, byte[] final) = Converse(new ScramServer(Verifier), first);
        Assert.True(server.TryFinish(final, out byte[]? answer));
        first.Finish(answer);

        var second = new ScramClient(password: null, first.Keys);
        (server, final) = Converse(new ScramServer(Verifier), second);
        Assert.True(server.TryFinish(final, out answer));
        second.Finish(answer);
    }

    [Fact]
    public void Keys_that_a_client_revealed_log_in_elsewhere_with_the_same_verifier()
    {
        (ScramServer server, byte[] final) = Converse(new ScramServer(Verifier), new ScramClient("pencil"));
        Assert.True(server.TryFinish(final, out _));
        ScramVerifier sameVerifier = ScramVerifier.Parse(Verifier.ToStoredForm());
        (ScramServer elsewhere, byte[] finalThere) = Converse(new ScramServer(sameVerifier), new ScramClient(null, server.GetKeys()));
        Assert.True(elsewhere.TryFinish(finalThere, out _));
    }

    [Fact]
    public void Keys_for_another_salt_are_told_apart_and_replaced_where_there_is_a_password()
    {
        ScramKeys stale = ScramKeys.Derive("pencil", "other salt"u8, 1);
        Assert.False(new ScramClient(null, stale, nonce: ClientNonce).TryAnswer(Bytes(ServerFirst), out _));
        var client = new ScramClient("pencil", stale, user: "user", nonce: ClientNonce);
        Assert.True(client.TryAnswer(Bytes(ServerFirst), out byte[]? final));
        Assert.Equal(ClientFinal, Text(final));
        Assert.Equal(4096, client.Keys!.Iterations);
    }

    [Theory]
    [InlineData("")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO,s=AAAA,i=1")]                     // nothing added to our nonce
    [InlineData("r=someoneElsesNonceAndMore,s=AAAA,i=1")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=A,i=1")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AA AA,i=1")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=0")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=-4")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=2147483647")]           // minutes of our time
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4294967297")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA")]
    [InlineData("m=x,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO\u0001,s=AAAA,i=1")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1,nonsense")]
    public void A_malformed_challenge_is_a_protocol_error(string serverFirst)
        => AssertProtocolError(() => new ScramClient("pencil", nonce: ClientNonce).TryAnswer(Bytes(serverFirst), out _));

    [Theory]
    [InlineData("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("v=")]
    [InlineData("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G")]
    [InlineData("e=other-error")]
    [InlineData("")]
    public void A_server_that_does_not_know_the_password_is_not_believed(string serverFinal)
    {
        var client = new ScramClient("pencil", user: "user", nonce: ClientNonce);
        Assert.True(client.TryAnswer(Bytes(ServerFirst), out _));
        AssertProtocolError(() => client.Finish(Bytes(serverFinal)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("n")]
    [InlineData("x,,n=,r=abc")]
    [InlineData("n,a=admin,n=,r=abc")]
    [InlineData("n,,m=ext,n=,r=abc")]
    [InlineData("n,,r=abc")]
    [InlineData("n,,n=,r=")]
    [InlineData("n,,n=,r=a b")]
    [InlineData("n,,n=,r=abc,zz")]
    [InlineData("p=tls-server-end-point,,n=,r=abc")]
    [InlineData("ny,,n=,r=abc")]
    public void A_malformed_first_message_is_a_protocol_error(string clientFirst)
        => AssertProtocolError(() => new ScramServer(Verifier).Start("SCRAM-SHA-256"u8, Bytes(clientFirst)));

    [Theory]
    [InlineData("SCRAM-SHA-1")]
    [InlineData("SCRAM-SHA-256-PLUS")]                                    // not offered without TLS
    [InlineData("")]
    public void A_mechanism_that_was_not_offered_is_a_protocol_error(string mechanism)
        => AssertProtocolError(() => new ScramServer(Verifier).Start(Bytes(mechanism), Bytes(ClientFirst)));

    [Theory]
    [InlineData("")]
    [InlineData("c=biws")]
    [InlineData("c=eSws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]   // "y,,": another flag than in the first message
    [InlineData("c=biwsAAAA,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("c=biws,r=other,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("c=biws,r=NONCE")]
    [InlineData("c=biws,r=NONCE,p=AAAA")]
    [InlineData("c=biws,r=NONCE,p=****")]
    [InlineData("c=biws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=1")]
    public void A_malformed_last_message_is_a_protocol_error(string clientFinal)
    {
        var server = new ScramServer(Verifier, nonce: ServerNonce);
        server.Start("SCRAM-SHA-256"u8, Bytes(ClientFirst));
        AssertProtocolError(() => server.TryFinish(Bytes(clientFinal.Replace("NONCE", ClientNonce + ServerNonce, StringComparison.Ordinal)), out _));
    }

    [Fact]
    public void An_unknown_user_meets_the_same_salt_each_time_and_no_password_passes()
    {
        string[] challenges = [.. Enumerable.Range(0, 2).Select(_ => Text(Mock("acme/nobody").Start("SCRAM-SHA-256"u8, Bytes(ClientFirst))))];
        Assert.Equal(challenges[0], challenges[1]);
        Assert.NotEqual(challenges[0], Text(Mock("acme/somebody").Start("SCRAM-SHA-256"u8, Bytes(ClientFirst))));
        Assert.Equal(ServerFirst.Length, challenges[0].Length);

        (ScramServer server, byte[] final) = Converse(Mock("acme/nobody"), new ScramClient("pencil"));
        Assert.False(server.TryFinish(final, out _));
        Assert.False(server.IsAuthenticated);
    }

    [Fact]
    public void A_client_can_bind_the_exchange_to_its_TLS_channel()
    {
        byte[] endPoint = [1, 2, 3, 4];
        Assert.True(FinishBound(endPoint, boundTo: endPoint));
        AssertProtocolError(() => FinishBound(endPoint, boundTo: [1, 2, 3, 5]));
        AssertProtocolError(() => FinishBound(endPoint, boundTo: []));
    }

    [Theory]
    [InlineData("SCRAM-SHA-256-PLUS", "n,,n=,r=abc")]
    [InlineData("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=,r=abc")]
    [InlineData("SCRAM-SHA-256", "p=tls-server-end-point,,n=,r=abc")]
    [InlineData("SCRAM-SHA-256", "y,,n=,r=abc")]                          // our offer of -PLUS was taken away on its way
    public void A_channel_binding_flag_that_does_not_fit_the_mechanism_is_a_protocol_error(string mechanism, string clientFirst)
        => AssertProtocolError(() => new ScramServer(Verifier, channelBinding: [1, 2, 3]).Start(Bytes(mechanism), Bytes(clientFirst)));

    [Theory]
    [InlineData("y,,n=,r=abc", false)]
    [InlineData("n,,n=,r=abc", true)]
    public void A_client_that_binds_no_channel_is_served(string clientFirst, bool overTls)
        => Assert.NotEmpty(new ScramServer(Verifier, overTls ? [1, 2, 3] : []).Start("SCRAM-SHA-256"u8, Bytes(clientFirst)));

    private static bool FinishBound(byte[] endPoint, byte[] boundTo)
    {
        // The library's client binds no channel; here is one by hand.
        const string Header = "p=tls-server-end-point,,";
        var server = new ScramServer(Verifier, endPoint);
        string bare = "n=,r=" + ClientNonce;
        string serverFirst = Text(server.Start(Authentication.ScramSha256Plus, Bytes(Header + bare)));
        string nonce = serverFirst.Split(',')[0];
        string withoutProof = $"c={Convert.ToBase64String([.. Bytes(Header), .. boundTo])},{nonce}";
        ScramKeys keys = ScramKeys.Derive("pencil", Verifier.Salt, Verifier.Iterations);
        byte[] proof = new byte[32];
        ScramSignature.Compute(Verifier.StoredKey, Bytes(bare), Bytes(serverFirst), Bytes(withoutProof), proof);
        ScramSignature.Xor(proof, keys.ClientKey);
        return server.TryFinish(Bytes($"{withoutProof},p={Convert.ToBase64String(proof)}"), out _);
    }

    private static ScramServer Mock(string name) => ScramServer.ForUnknownUser("secret of the proxies"u8, Bytes(name), nonce: ServerNonce);

    private static (ScramServer Server, byte[] ClientFinal) Converse(ScramServer server, ScramClient client)
    {
        byte[] challenge = server.Start("SCRAM-SHA-256"u8, client.Start());
        Assert.True(client.TryAnswer(challenge, out byte[]? final));
        return (server, final);
    }

    private static void AssertProtocolError(Action action)
        => Assert.Equal(SqlState.ProtocolViolation, Assert.Throws<PgProtocolException>(action).Error.SqlState);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
