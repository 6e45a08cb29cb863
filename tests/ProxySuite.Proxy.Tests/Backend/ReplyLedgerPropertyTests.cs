using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

public sealed class ReplyLedgerPropertyTests : ILedgerObserver
{
    private const int Histories = 20_000;

    void ILedgerObserver.OnUnpaid(in LedgerEntry entry)
    {
    }

    [Fact]
    public void Whatever_a_valid_client_sends_and_however_it_interleaves_the_ledger_agrees_with_the_server()
    {
        int uncertain = 0;
        for (int seed = 0; seed < Histories; seed++)
        {
            var random = new Random(seed);
            List<Sent> script = Script(random, withSyncsInCopy: true);
            History history = Play(script, random, corrupt: null);
            Assert.False(history.SawViolation, $"seed {seed}: {Text(script)}");
            if (history.Ledger.IsUncertain)
            {
                // Only where a COPY failed with a Sync inside it; such a connection is given up, so it may not look free.
                Assert.Contains(script, sent => sent.Fate is Fate.CopyIn or Fate.CopyInThatFailsAtOnce);
                Assert.False(history.Ledger.IsFree);
                uncertain++;
                continue;
            }
            Assert.True(history.Ledger.Count == 0, $"seed {seed} owes {history.Ledger.Count}: {Text(script)}");
            Assert.True(history.Ledger.IsFree == (history.Model.Status == 'I'), $"seed {seed}: {Text(script)}");
        }
        Assert.InRange(uncertain, 1, Histories / 2);
    }

    [Fact]
    public void A_ledger_that_is_free_has_no_reply_on_its_way()
    {
        for (int seed = 0; seed < Histories; seed++)
        {
            var random = new Random(seed);
            List<Sent> script = Script(random, withSyncsInCopy: true);
            Assert.False(Play(script, random, corrupt: null).WasFreeTooEarly, $"seed {seed}: {Text(script)}");
        }
    }

    [Theory]
    [InlineData(Corruption.Lost)]
    [InlineData(Corruption.Doubled)]
    [InlineData(Corruption.Foreign)]
    public void A_reply_that_is_lost_doubled_or_foreign_never_leaves_a_free_ledger(Corruption corruption)
    {
        int corrupted = 0;
        for (int seed = 0; seed < Histories; seed++)
        {
            var random = new Random(seed);
            List<Sent> script = Script(random, withSyncsInCopy: false);
            // An error in the extended protocol takes everything up to Sync with it, a Query whose answer was lost included.
            if (corruption == Corruption.Lost && script.Any(sent => sent.Fate == Fate.Failure || sent.Type == 'f')) continue;
            History history = Play(script, random, corruption);
            if (!history.WasCorrupted) continue;
            corrupted++;
            Assert.True(history.SawViolation || !history.Ledger.IsFree, $"seed {seed} {corruption}: {Text(script)}");
        }
        Assert.True(corrupted > Histories / 20);
    }

    public enum Corruption
    {
        Lost,
        Doubled,
        Foreign,
    }

    /// <summary>A history that ends with a Sync, so that a right server has answered everything at its end.</summary>
    private static List<Sent> Script(Random random, bool withSyncsInCopy)
    {
        var script = new List<Sent>();
        int steps = random.Next(1, 14);
        for (int i = 0; i < steps; i++)
        {
            bool fails = random.Next(8) == 0;
            switch (random.Next(12))
            {
                case 0 or 1:
                    Fate fate = fails ? Fate.Failure : random.Next(6) switch { 0 => Fate.Empty, 1 => Fate.Begin, 2 => Fate.Commit, 3 => Fate.CopyOut, _ => Fate.Success };
                    script.Add(new('Q', fate));
                    break;
                case 2:
                    AddCopy(script, random, 'Q', withSyncsInCopy);
                    break;
                case 3:
                    AddCopy(script, random, 'E', withSyncsInCopy);
                    break;
                case 4:
                    script.Add(new('S', Fate.Success));
                    break;
                case 5:
                    // Late messages of a copy that is over.
                    script.Add(new(random.Next(2) == 0 ? 'd' : 'c', Fate.Success));
                    break;
                case 6:
                    script.Add(new('E', random.Next(3) switch { 0 => Fate.Empty, 1 => Fate.Suspended, _ => Fate.CopyOut }));
                    break;
                default:
                    script.Add(new("PBDsEC"[random.Next(6)], fails ? Fate.Failure : Fate.Success));
                    break;
            }
        }
        script.Add(new('S', Fate.Success));
        return script;
    }

    private static void AddCopy(List<Sent> script, Random random, char type, bool withSyncs)
    {
        script.Add(new(type, random.Next(6) == 0 && withSyncs ? Fate.CopyInThatFailsAtOnce : Fate.CopyIn));
        int data = random.Next(4);
        for (int i = 0; i < data; i++)
        {
            if (withSyncs && random.Next(3) == 0) script.Add(new(random.Next(3) == 0 ? 'H' : 'S', Fate.Success));
            script.Add(new('d', random.Next(8) == 0 ? Fate.Failure : Fate.Success));
        }
        script.Add(random.Next(4) == 0 ? new('f', Fate.Success) : new('c', random.Next(6) == 0 ? Fate.Failure : Fate.Success));
        // Any client ends the batch of an extended COPY here (libpq: PQputCopyEnd).
        if (type == 'E') script.Add(new('S', Fate.Success));
    }

    private History Play(List<Sent> script, Random random, Corruption? corrupt)
    {
        var history = new History();
        ReplyLedger ledger = history.Ledger;
        int sent = 0, read = 0;
        var output = new Queue<(BackendMessage Type, char Status)>();
        while (sent < script.Count || read < sent || output.Count > 0)
        {
            switch (random.Next(3))
            {
                case 0 when sent < script.Count:
                    Enter(ledger, script[sent++]);
                    break;
                case 1 when read < sent:
                    foreach ((BackendMessage, char) reply in history.Model.Take(script[read++])) output.Enqueue(reply);
                    break;
                case 2 when output.TryDequeue(out (BackendMessage Type, char Status) reply):
                    if (corrupt is { } how && !history.WasCorrupted && Matters(how, reply.Type) && random.Next(3) == 0)
                    {
                        history.WasCorrupted = true;
                        if (how == Corruption.Lost) continue;
                        (BackendMessage, char) added = how == Corruption.Doubled ? reply : (Foreign(reply.Type), reply.Status);
                        Deliver(history, added);
                        if (history.SawViolation) return history;
                    }
                    Deliver(history, reply);
                    if (history.SawViolation) return history;
                    history.WasFreeTooEarly |= ledger.IsFree && output.Count > 0 && !history.WasCorrupted;
                    break;
            }
        }
        return history;
    }

    private void Deliver(History history, (BackendMessage Type, char Status) reply)
    {
        TransactionStatus status = reply.Status == '\0' ? default : (TransactionStatus)reply.Status;
        history.SawViolation = history.Ledger.OnBackend(reply.Type, status, this) == Reply.Violation;
    }

    // Rows inside a result may be any number, and an error hides which message it was for; a ReadyForQuery too many or too few never passes.
    private static bool Matters(Corruption how, BackendMessage type)
        => type == BackendMessage.ReadyForQuery
            || (how == Corruption.Foreign && type is BackendMessage.ParseComplete or BackendMessage.BindComplete or BackendMessage.CloseComplete);

    private static BackendMessage Foreign(BackendMessage type)
        => type == BackendMessage.ParseComplete ? BackendMessage.CloseComplete : BackendMessage.ParseComplete;

    private static void Enter(ReplyLedger ledger, Sent message)
    {
        switch (message.Type)
        {
            case 'd' or 'H':
                break;
            case 'f':
                ledger.Push(Owed.CopyEnd);
                break;
            default:
                ledger.Push(LedgerLetters.Owed(message.Type));
                break;
        }
    }

    private static string Text(List<Sent> script) => string.Join(' ', script.Select(sent => $"{sent.Type}:{sent.Fate}"));

    private sealed class History
    {
        public ReplyLedger Ledger { get; } = new();

        public BackendModel Model { get; } = new();

        public bool SawViolation { get; set; }

        public bool WasCorrupted { get; set; }

        public bool WasFreeTooEarly { get; set; }
    }
}
