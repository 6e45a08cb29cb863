using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

public sealed class WorkWatchTests
{
    private static readonly WorkLimits Limits = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(10));

    private readonly ReplyLedger _ledger = new();
    private ServerWork _work;
    private long _now = 1000;

    [Fact]
    public void A_statement_gets_its_time_and_a_grace_then_a_cancel_and_then_the_door()
    {
        Ask();
        Assert.Equal(Overdue.None, Look());
        Assert.Equal(Overdue.None, Look(5400));
        Assert.Equal(Overdue.Statement, Look(200));
        Assert.Equal(Overdue.None, Look(3000));
        Assert.Equal(Overdue.CancelledStatement, Look(2001));
    }

    [Fact]
    public void Each_statement_has_a_clock_of_its_own()
    {
        for (int i = 0; i < 10; i++)
        {
            Ask();
            Assert.Equal(Overdue.None, Look());
            Assert.Equal(Overdue.None, Look(5000));
            Answer('I');
        }
    }

    [Fact]
    public void One_that_heeds_its_cancel_leaves_the_next_its_full_time()
    {
        Ask();
        Look();
        Assert.Equal(Overdue.Statement, Look(6000));
        Answer('I');
        Ask();
        Assert.Equal(Overdue.None, Look(1000));
        Assert.Equal(Overdue.None, Look(5000));
        Assert.Equal(Overdue.Statement, Look(600));
    }

    [Fact]
    public void Statements_one_behind_the_other_in_one_request_restart_the_clock()
    {
        Ask();
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(Overdue.None, Look(5000));
            _work.Completed++;
        }
    }

    [Fact]
    public void A_transaction_may_not_be_idle_for_long()
    {
        Ask();
        Answer('T');
        Assert.Equal(Overdue.None, Look());
        Assert.Equal(Overdue.None, Look(9000));
        Assert.Equal(Overdue.IdleInTransaction, Look(1001));
    }

    [Fact]
    public void An_implicit_transaction_without_its_sync_counts_as_one()
    {
        _ledger.Push(Owed.Parse);
        _ledger.OnBackend(BackendMessage.ParseComplete, default, null!);
        Assert.Equal(Overdue.None, Look());
        Assert.Equal(Overdue.IdleInTransaction, Look(10_001));
    }

    [Fact]
    public void A_transaction_that_is_always_busy_ends_all_the_same()
    {
        long began = _now;
        Overdue overdue = Overdue.None;
        while (overdue == Overdue.None)
        {
            Ask();
            Answer('T');
            overdue = Look(1000);
        }
        Assert.Equal(Overdue.Transaction, overdue);
        Assert.InRange(_now - began, 60_000, 62_000);
    }

    [Fact]
    public void Short_transactions_one_after_the_other_are_no_long_one()
    {
        for (int i = 0; i < 100; i++)
        {
            Ask();
            Answer('T');
            Assert.Equal(Overdue.None, Look(1000));
            Ask();
            Answer('I');
            Ask();
            Assert.Equal(Overdue.None, Look(1000));
            Answer('I');
        }
    }

    [Fact]
    public void Nothing_is_overdue_at_rest_or_without_limits()
    {
        Assert.Equal(Overdue.None, Look(1_000_000));
        Ask();
        for (int i = 0; i < 3; i++)
        {
            _now += 1_000_000;
            Assert.Equal(Overdue.None, WorkWatch.Look(ref _work, _ledger, _now, default, 5000));
        }
    }

    private Overdue Look(long later = 0) => WorkWatch.Look(ref _work, _ledger, _now += later, Limits, cancelMilliseconds: 5000);

    private void Ask() => _ledger.Push(Owed.Query);

    private void Answer(char status)
    {
        _ledger.OnBackend(BackendMessage.CommandComplete, default, null!);
        _ledger.OnBackend(BackendMessage.ReadyForQuery, (TransactionStatus)status, null!);
        _work.Completed += 2;
        if (status == 'I') _work.Transactions++;
    }
}
