using System.Text;
using ProxySuite.Wire.Scram;
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

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
