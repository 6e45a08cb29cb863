using System.Text;
using ProxySuite.Wire.Scram;
using ProxySuite.Wire.Tests.Captures;
using Xunit;

namespace ProxySuite.Wire.Tests.Scram;

public sealed class ScramVerifierTests
{
    [Theory]
    [InlineData("pg15")]
    [InlineData("pg18")]
    public void A_verifier_is_made_of_a_password_as_a_real_server_makes_it(string server)
    {
        foreach ((byte[] password, string stored) in Capture.Verifiers(server))
        {
            ScramVerifier theirs = ScramVerifier.Parse(stored);
            ScramVerifier ours = ScramVerifier.FromKeys(ScramKeys.Derive(password, theirs.Salt, theirs.Iterations));
            Assert.True(stored == ours.ToStoredForm(), $"password {Convert.ToHexString(password)}");
        }
    }

    [Fact]
    public void A_new_verifier_has_the_servers_default_cost_and_matches_its_password_alone()
    {
        ScramVerifier verifier = ScramVerifier.Create("pencil");
        Assert.Equal(4096, verifier.Iterations);
        Assert.Equal(16, verifier.Salt.Length);
        Assert.True(verifier.Matches("pencil"));
        Assert.False(verifier.Matches("Pencil"));
        Assert.NotEqual(verifier.ToStoredForm(), ScramVerifier.Create("pencil").ToStoredForm());
    }

    [Fact]
    public void The_stored_form_is_read_back_as_it_was_written()
    {
        string stored = ScramVerifier.Create("pencil", iterations: 1).ToStoredForm();
        Assert.Equal(stored, ScramVerifier.Parse(stored).ToStoredForm());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("pencil")]
    [InlineData("md5a7d9e0eb1b2fe6a9f3b43f1d4f1a6a6b")]
    [InlineData("scram-sha-256$1:AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$0:AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$-1:AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$99999999999:AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$1:$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$1:A AA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$1:AAAA$AAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$1:AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$1:AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAA")]
    [InlineData("SCRAM-SHA-256$1$AAAA:AAAA")]
    public void What_is_no_verifier_is_refused_without_repeating_it(string? text)
    {
        Assert.False(ScramVerifier.TryParse(text, out _));
        FormatException refusal = Assert.Throws<FormatException>(() => ScramVerifier.Parse(text!));
        Assert.Equal("not a SCRAM-SHA-256 verifier", refusal.Message);
    }

    [Fact]
    public void An_md5_password_is_hashed_and_answered_as_a_real_client_and_server_do()
    {
        IReadOnlyList<CapturedMessage> login = Capture.Read("pg15-login-md5");
        byte[] salt = login.First(m => m.FromBackend && m.Bytes[0] == 'R').Bytes[9..13];
        byte[] answer = login.First(m => !m.FromBackend && m.Bytes[0] == 'p').Bytes[5..^1];
        string stored = Md5Password.Hash("u_md5", "pencil");
        Assert.Equal(Encoding.ASCII.GetString(answer), Md5Password.Answer(stored, salt));
        Assert.True(Md5Password.Verify(stored, salt, answer));
        Assert.False(Md5Password.Verify(Md5Password.Hash("u_md5", "other"), salt, answer));
        Assert.False(Md5Password.Verify(stored, salt, answer.AsSpan(1)));
    }
}
