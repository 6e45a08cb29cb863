using BenchmarkDotNet.Attributes;
using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Benchmarks;

/// <summary>What a server owes: entered as it is asked, ticked off as it answers.</summary>
public class ReplyLedgerBenchmarks : ILedgerObserver
{
    private readonly ReplyLedger _ledger = new();
    private long _unpaid;

    [Benchmark]
    public bool Simple_query_of_one_row()
    {
        _ledger.Push(Owed.Query);
        Answer(BackendMessage.RowDescription);
        Answer(BackendMessage.DataRow);
        Answer(BackendMessage.CommandComplete);
        Answer(BackendMessage.ReadyForQuery);
        return _ledger.IsFree;
    }

    [Benchmark]
    public bool Extended_query_of_one_row()
    {
        _ledger.Push(Owed.Parse);
        _ledger.Push(Owed.Bind);
        _ledger.Push(Owed.DescribePortal);
        _ledger.Push(Owed.Execute);
        _ledger.Push(Owed.Sync);
        Answer(BackendMessage.ParseComplete);
        Answer(BackendMessage.BindComplete);
        Answer(BackendMessage.RowDescription);
        Answer(BackendMessage.DataRow);
        Answer(BackendMessage.CommandComplete);
        Answer(BackendMessage.ReadyForQuery);
        return _ledger.IsFree;
    }

    void ILedgerObserver.OnUnpaid(in LedgerEntry entry) => _unpaid++;

    private void Answer(BackendMessage message) => _ledger.OnBackend(message, TransactionStatus.Idle, this);
}
