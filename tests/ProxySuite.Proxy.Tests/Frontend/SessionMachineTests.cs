using ProxySuite.Proxy.Frontend;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

public sealed class SessionMachineTests
{
    // A row a message, a column a state: Idle, Waiting, Linked, Refused, Closing.
    // F forward, L link and forward, D drop, R answer ready, E answer error, H hold, T terminate, X refuse.
    private const string Table = """
        Q L H F E D
        P L H F E D
        B L H F E D
        D L H F E D
        E L H F E D
        C L H F E D
        S R H F E D
        H D H F D D
        d D H F D D
        c D H F D D
        f D H F D D
        X T T T T D
        p X X X X D
        F L H F E D
        """;

    [Fact]
    public void Every_message_in_every_state_does_what_the_table_says()
    {
        var seen = new HashSet<char>();
        foreach (string row in Table.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            seen.Add(row[0]);
            SessionState[] states = Enum.GetValues<SessionState>();
            Assert.Equal(row.Length, 1 + (2 * states.Length));
            foreach (SessionState state in states)
            {
                Assert.True(Letter(SessionMachine.OnFrontend(state, (FrontendMessage)row[0])) == row[2 + (2 * (int)state)], $"{row[0]} in {state}");
            }
        }
        Assert.All(Enum.GetValues<FrontendMessage>(), message => Assert.Contains((char)message, seen));
    }

    [Fact]
    public void A_byte_that_is_no_message_ends_the_session()
    {
        for (int type = 0; type < 256; type++)
        {
            if (Enum.IsDefined((FrontendMessage)type)) continue;
            foreach (SessionState state in Enum.GetValues<SessionState>())
            {
                FrontendAction expected = state == SessionState.Closing ? FrontendAction.Drop : FrontendAction.Refuse;
                Assert.Equal(expected, SessionMachine.OnFrontend(state, (FrontendMessage)type));
            }
        }
    }

    [Fact]
    public void A_server_is_released_when_all_says_so_and_never_in_session_mode()
    {
        int released = 0;
        foreach (PoolMode mode in Enum.GetValues<PoolMode>())
        {
            foreach (TransactionStatus status in new[] { TransactionStatus.Idle, TransactionStatus.InTransaction, TransactionStatus.Failed })
            {
                for (int bits = 0; bits < 16; bits++)
                {
                    var facts = new ReleaseFacts(status, bits & 1, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0);
                    bool expected = mode != PoolMode.Session && status == TransactionStatus.Idle && bits == 0;
                    Assert.Equal(expected, SessionMachine.MayRelease(mode, facts));
                    if (expected) released++;
                }
            }
        }
        Assert.Equal(2, released);
    }

    private static char Letter(FrontendAction action) => action switch
    {
        FrontendAction.Forward => 'F',
        FrontendAction.LinkAndForward => 'L',
        FrontendAction.Drop => 'D',
        FrontendAction.AnswerReady => 'R',
        FrontendAction.AnswerError => 'E',
        FrontendAction.Hold => 'H',
        FrontendAction.Terminate => 'T',
        _ => 'X',
    };
}
