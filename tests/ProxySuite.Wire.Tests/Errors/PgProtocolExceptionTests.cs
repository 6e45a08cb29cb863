using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Wire.Tests.Errors;

public sealed class PgProtocolExceptionTests
{
    private enum State
    {
        Idle,
    }

    [Fact]
    public void An_unexpected_message_is_named_with_its_side_and_the_state()
    {
        string server = PgProtocolException.Unexpected(State.Idle, BackendMessage.DataRow).Message;
        string client = PgProtocolException.Unexpected(State.Idle, FrontendMessage.CopyData).Message;
        Assert.Equal("unexpected message DataRow from the server in state Idle", server);
        Assert.Equal("unexpected message CopyData from the client in state Idle", client);
    }

    [Theory]
    [InlineData('!', "'!'")]
    [InlineData('\u0007', "0x07")]
    [InlineData('\u00ff', "0xff")]
    public void A_type_nobody_knows_is_shown_as_a_character_or_a_number(char type, string shown)
    {
        string message = PgProtocolException.Unexpected(State.Idle, (FrontendMessage)type).Message;
        Assert.Equal($"unexpected message {shown} from the client in state Idle", message);
    }

    [Fact]
    public void It_is_an_error_for_the_client_that_ends_the_connection()
    {
        PgErrorException exception = Assert.Throws<PgProtocolException>(
            () => PgProtocolException.ThrowMalformed("Bind", "it is shorter than its fields"));
        Assert.Equal("invalid Bind message: it is shorter than its fields", exception.Error.Message);
        Assert.Equal(SqlState.ProtocolViolation, exception.Error.SqlState);
        Assert.Equal("FATAL", exception.Error.Severity);
    }

    [Fact]
    public void Every_SQLSTATE_has_five_characters_and_stands_once()
    {
        string[] states = [.. typeof(SqlState).GetFields().Select(field => (string)field.GetRawConstantValue()!)];
        Assert.All(states, state => Assert.Matches("^[0-9A-Z]{5}$", state));
        Assert.Equal(states.Length, states.Distinct().Count());
    }
}
