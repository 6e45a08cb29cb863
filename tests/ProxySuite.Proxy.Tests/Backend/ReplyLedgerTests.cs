using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

/// <summary>Letters as on the wire: Q P B D E C S c go out; Z 1 2 3 C I T t n s D G H d c E come back.</summary>
public sealed class ReplyLedgerTests : ILedgerObserver
{
    private readonly ReplyLedger _ledger = new();
    private readonly List<object> _unpaid = [];

    void ILedgerObserver.OnUnpaid(in LedgerEntry entry) => _unpaid.Add(entry.Tag!);

    [Fact]
    public void A_new_connection_owes_nothing()
    {
        Assert.True(_ledger.IsFree);
        Assert.Equal(Reply.Violation, Back('C'));
    }

    [Fact]
    public void A_query_is_paid_by_its_ready_for_query_and_by_nothing_before()
    {
        Push("Q");
        foreach (char reply in "TDDCTDC")
        {
            Assert.Equal(Reply.Forward, Back(reply));
            Assert.False(_ledger.IsFree);
        }
        Assert.Equal(Reply.Forward, Back('Z'));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void A_query_cannot_be_ready_before_it_has_a_tag_or_an_error()
    {
        Push("QQ");
        Assert.Equal([Reply.Forward, Reply.Forward], Back("CZ"));
        Assert.Equal(Reply.Violation, Back('Z'));
    }

    [Theory]
    [InlineData('I')]
    [InlineData('C')]
    [InlineData('E')]
    public void An_empty_query_a_tag_and_an_error_all_make_a_query_ready(char answer)
    {
        Push("Q");
        Assert.Equal([Reply.Forward, Reply.Forward], Back([answer, 'Z']));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void Several_ready_for_query_are_counted()
    {
        Push("QSQ");
        Back("CZ");
        Assert.False(_ledger.IsFree);
        Back("Z");
        Assert.False(_ledger.IsFree);
        Back("EZ");
        Assert.True(_ledger.IsFree);
    }

    [Theory]
    [InlineData('T')]
    [InlineData('E')]
    public void A_transaction_that_is_open_keeps_the_connection(char status)
    {
        Push("Q");
        Back("C");
        _ledger.OnBackend(BackendMessage.ReadyForQuery, (TransactionStatus)status, this);
        Assert.Equal(0, _ledger.Count);
        Assert.False(_ledger.IsFree);
    }

    [Fact]
    public void Each_extended_message_is_paid_by_its_own_reply()
    {
        Push("PBDEsCS");
        Assert.Equal(Enumerable.Repeat(Reply.Forward, 9), Back("12TDCtn3Z"));
        Assert.True(_ledger.IsFree);
    }

    [Theory]
    [InlineData("P", '2')]
    [InlineData("P", 'Z')]
    [InlineData("P", 'D')]
    [InlineData("P", 'C')]
    [InlineData("B", '1')]
    [InlineData("B", 's')]
    [InlineData("D", 't')]
    [InlineData("D", 'D')]
    [InlineData("E", '3')]
    [InlineData("E", 'T')]
    [InlineData("C", 'n')]
    [InlineData("S", 'C')]
    [InlineData("S", 'D')]
    [InlineData("S", 'G')]
    [InlineData("Q", '1')]
    [InlineData("Q", 's')]
    [InlineData("Q", 't')]
    [InlineData("Q", 'V')]
    [InlineData("Q", 'R')]
    [InlineData("Q", 'W')]
    public void A_reply_to_something_else_is_a_violation(string sent, char reply)
    {
        Push(sent);
        Assert.Equal(Reply.Violation, Back(reply));
    }

    [Fact]
    public void A_suspended_portal_has_paid_its_execute()
    {
        Push("EES");
        Assert.Equal([Reply.Forward, Reply.Forward, Reply.Forward, Reply.Forward, Reply.Forward], Back("DsDCZ"));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void An_empty_statement_pays_its_execute_as_well()
    {
        Push("ES");
        Back("IZ");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void After_an_error_everything_up_to_sync_is_skipped_a_query_included()
    {
        Push("PBEQPBES");
        Assert.Equal(Reply.Forward, Back('E'));
        Assert.Equal(1, _ledger.Count);
        Assert.Equal(Reply.Forward, Back('Z'));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void After_an_error_without_a_sync_yet_what_is_sent_is_not_owed_until_the_sync()
    {
        Push("PB");
        Back("E");
        Assert.True(_ledger.IsSkippingToSync);
        Assert.False(_ledger.IsFree);
        Push("EQPBE");
        Assert.Equal(0, _ledger.Count);
        Push("S");
        Assert.Equal(1, _ledger.Count);
        Back("Z");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void An_error_ends_at_the_first_sync_and_the_next_batch_is_owed()
    {
        Push("PBESPBES");
        Back("EZ");
        Assert.Equal(4, _ledger.Count);
        Back("12CZ");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void An_error_in_a_simple_query_skips_nothing()
    {
        Push("QPBES");
        Back("EZ");
        Assert.Equal(4, _ledger.Count);
    }

    [Fact]
    public void An_error_at_sync_comes_before_its_ready_for_query()
    {
        Push("PBES");
        Assert.Equal(Enumerable.Repeat(Reply.Forward, 5), Back("12CEZ"));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void What_was_never_done_is_told_last_first()
    {
        object first = new(), second = new(), third = new();
        _ledger.Push(Owed.Parse, tag: first);
        _ledger.Push(Owed.Bind);
        _ledger.Push(Owed.Close, tag: second);
        _ledger.Push(Owed.Sync);
        _ledger.Push(Owed.Parse, tag: third);
        Back("E");
        Assert.Equal([second, first], _unpaid);
        Assert.True(_ledger.Holds(third));
        Assert.False(_ledger.Holds(first));
    }

    [Fact]
    public void What_was_done_is_not_told()
    {
        _ledger.Push(Owed.Parse, tag: new object());
        Push("S");
        Back("1Z");
        Assert.Empty(_unpaid);
    }

    [Fact]
    public void Extended_messages_without_sync_keep_the_connection_though_all_is_answered()
    {
        Push("PBE");
        Back("12C");
        Assert.Equal(0, _ledger.Count);
        Assert.True(_ledger.IsUnsynced);
        Assert.False(_ledger.IsFree);
        Push("S");
        Back("Z");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void A_query_ends_a_batch_as_a_sync_does()
    {
        Push("PBEQ");
        Back("12CCZ");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void Replies_to_what_the_proxy_put_in_are_swallowed_but_its_failure_is_the_clients()
    {
        _ledger.Push(Owed.Parse, swallow: true);
        Push("BES");
        Assert.True(_ledger.IsHeadSwallowed);
        Assert.Equal([Reply.Swallow, Reply.Forward], Back("12"));
        Back("CZ");
        _ledger.Push(Owed.Parse, swallow: true);
        Push("BES");
        Assert.Equal([Reply.Forward, Reply.Forward], Back("EZ"));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void The_whole_answer_of_the_proxys_own_query_is_swallowed()
    {
        _ledger.Push(Owed.Query, swallow: true);
        Push("Q");
        Assert.Equal([Reply.Swallow, Reply.Swallow, Reply.Forward], Back("CZC"));
        Assert.False(_ledger.IsFree);
    }

    [Fact]
    public void The_proxys_own_parse_complete_has_its_place_in_the_line()
    {
        Push("P");
        _ledger.Push(Owed.OwnParseComplete);
        Push("S");
        Assert.False(_ledger.TryTakeOwn(out _));
        Back("1");
        Assert.True(_ledger.HasOwnAtHead);
        Assert.True(_ledger.TryTakeOwn(out _));
        Assert.False(_ledger.TryTakeOwn(out _));
        Back("Z");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void An_own_parse_complete_behind_an_error_is_never_given()
    {
        object tag = new();
        Push("P");
        _ledger.Push(Owed.OwnParseComplete, tag: tag);
        Push("S");
        Back("E");
        Assert.False(_ledger.TryTakeOwn(out _));
        Assert.Equal([tag], _unpaid);
        Back("Z");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void A_copy_in_of_a_simple_query_ends_with_its_ready_for_query()
    {
        Push("Q");
        Back("G");
        Assert.True(_ledger.IsCopyIn);
        Push("c");
        Back("CZ");
        Assert.False(_ledger.IsCopyIn);
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void A_sync_that_was_sent_before_the_copy_was_known_is_swallowed()
    {
        Push("PBES");
        Back("12G");
        Push("cS");
        Back("C");
        Assert.False(_ledger.IsFree);
        Back("Z");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void Of_three_syncs_around_a_copy_only_the_one_behind_copy_done_is_answered()
    {
        Push("PBESS");
        Back("12G");
        Push("S");
        Push("cS");
        Back("CZ");
        Assert.True(_ledger.IsFree);
        Assert.Equal(Reply.Violation, Back('Z'));
    }

    [Fact]
    public void A_whole_pipelined_copy_is_answered_once()
    {
        Push("PBEScS");
        Back("12GCZ");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void Syncs_behind_copy_done_are_all_answered()
    {
        Push("PBE");
        Back("12G");
        Push("cSS");
        Back("CZZ");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void Copy_messages_behind_a_failed_copy_owe_nothing()
    {
        Push("Q");
        Back("GEZ");
        Assert.True(_ledger.IsFree);
        Push("c");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void An_extended_copy_that_fails_is_skipped_up_to_the_sync_behind_it()
    {
        Push("PBE");
        Back("12GE");
        Assert.True(_ledger.IsSkippingToSync);
        Push("cS");
        Back("Z");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void Two_copies_in_one_query_each_have_their_end()
    {
        Push("Q");
        Back("G");
        Push("c");
        Back("CG");
        Push("S");
        Assert.Equal(1, _ledger.Count);
        Push("c");
        Back("CZ");
        Assert.True(_ledger.IsFree);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void When_a_copy_fails_nobody_knows_which_syncs_inside_it_were_swallowed_so_the_connection_is_never_free_again(int answered)
    {
        Push("PBE");
        Back("12G");
        Push("SS");
        Back("E");
        Push("cS");
        Assert.All(Back(new string('Z', answered + 1)), reply => Assert.Equal(Reply.Forward, reply));
        Assert.True(_ledger.IsUncertain);
        Assert.False(_ledger.IsFree);
        Push("PBES");
        Back("12CZ");
        Assert.Equal(0, _ledger.Count);
        Assert.False(_ledger.IsFree);
    }

    [Fact]
    public void A_copy_out_is_part_of_its_query_or_execute()
    {
        Push("QPBES");
        Assert.All(Back("HddcCZ12HdcCZ"), reply => Assert.Equal(Reply.Forward, reply));
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void A_pipeline_of_ten_thousand_queries_is_counted_to_the_last()
    {
        for (int i = 0; i < 10_000; i++) Push("Q");
        for (int i = 0; i < 10_000; i++)
        {
            Assert.False(_ledger.IsFree);
            Back("CZ");
        }
        Assert.True(_ledger.IsFree);
        _ledger.Shrink();
        Push("Q");
        Back("CZ");
        Assert.True(_ledger.IsFree);
    }

    [Fact]
    public void A_ready_for_query_settles_what_came_before_it_and_nothing_behind()
    {
        Push("Q");
        long first = _ledger.LastPushed;
        Push("Q");
        long second = _ledger.LastPushed;
        Back("CZ");
        Assert.True(first <= _ledger.LastSettled);
        Assert.False(second <= _ledger.LastSettled);
        Back("CZ");
        Assert.True(second <= _ledger.LastSettled);
    }

    [Fact]
    public void A_statement_is_proven_by_its_parse_complete()
    {
        var statement = new SharedStatement(1, [1], default, change: null);
        var tag = new Parsed(statement);
        _ledger.Push(Owed.Parse, tag: tag);
        Push("S");
        Assert.False(statement.IsProven);
        Back("1");
        Assert.True(statement.IsProven);
    }

    private sealed record Parsed(SharedStatement Statement) : IParsedStatement;

    private void Push(string letters)
    {
        foreach (char letter in letters) _ledger.Push(LedgerLetters.Owed(letter));
    }

    private Reply Back(char letter) => _ledger.OnBackend((BackendMessage)letter, TransactionStatus.Idle, this);

    private Reply[] Back(IEnumerable<char> letters) => [.. letters.Select(Back)];
}

internal static class LedgerLetters
{
    /// <summary>What is owed for a message of the client; D describes a portal, s a statement.</summary>
    public static Owed Owed(char letter) => letter switch
    {
        'Q' => Proxy.Backend.Owed.Query,
        'P' => Proxy.Backend.Owed.Parse,
        'B' => Proxy.Backend.Owed.Bind,
        'D' => Proxy.Backend.Owed.DescribePortal,
        's' => Proxy.Backend.Owed.DescribeStatement,
        'E' => Proxy.Backend.Owed.Execute,
        'C' => Proxy.Backend.Owed.Close,
        'S' => Proxy.Backend.Owed.Sync,
        'c' => Proxy.Backend.Owed.CopyEnd,
        _ => throw new ArgumentOutOfRangeException(nameof(letter), letter, "not a message that is entered"),
    };
}
