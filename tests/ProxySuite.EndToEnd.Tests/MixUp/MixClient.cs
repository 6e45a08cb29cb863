using System.Diagnostics;
using ProxySuite.EndToEnd.Tests.World;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.MixUp;

/// <summary>
/// A client that asks at random in every way the protocol has, marks each question, checks each answer, and now and then dies. Whatever
/// it sees that is not the answer to its own question is a mix-up.
/// </summary>
/// <remarks>Files: this one holds its life and what it asks one thing at a time; .Streams.cs asks several at once, copies, cancels and dies.</remarks>
internal sealed partial class MixClient
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly Proxyd _proxyd;
    private readonly TestTenant _tenant;
    private readonly int _number;
    private readonly MixUpCounts _counts;
    private readonly Random _random;
    private readonly (string Name, Func<Task> Ask)[] _questions;
    private readonly Dictionary<int, int> _prepared = []; // slot of a prepared statement to the version of its text
    private MixConnection _wire = null!;
    private string _applicationName = "";
    private readonly bool _isShared;
    private int _marks;
    private int _versions;

    /// <param name="number">Part of every mark; also what makes its choices differ from the others'.</param>
    /// <param name="isShared">The tenant shares its tables and servers with others (identity sealed): what a strict shard and row security refuse is not asked, whose rows are seen is.</param>
    public MixClient(Proxyd proxyd, TestTenant tenant, int number, int seed, MixUpCounts counts, bool isShared = false)
    {
        _isShared = isShared;
        (_proxyd, _tenant, _number, _counts) = (proxyd, tenant, number, counts);
        _random = new Random((seed * 1000) + number);
        _questions =
        [
            ("simple", SimpleAsync), ("simple", SimpleAsync), ("several in one text", SeveralAsync), ("extended", ExtendedAsync), ("extended", ExtendedAsync),
            ("prepared", PreparedAsync), ("prepared", PreparedAsync), ("prepared", PreparedAsync), ("unnamed kept over its Sync", UnnamedAsync),
            ("pipeline", PipelineAsync), ("pipeline", PipelineAsync), ("batch", BatchAsync), ("error", ErrorAsync), ("transaction", TransactionAsync),
            ("COPY out", CopyOutAsync), ("COPY in", CopyInAsync), ("cancel", CancelAsync), ("late cancel", LateCancelAsync), ("SET", SetAsync), ("SET", SetAsync),
            ("large row", LargeAsync), ("temporary table", TemporaryTableAsync),
        ];
        if (isShared) _questions = [.. _questions.Where(question => question.Name is not ("COPY in" or "temporary table")), ("whose rows", WhoseAsync), ("whose rows", WhoseAsync)];
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string doing = "log-in";
            try
            {
                using MixConnection wire = await MixConnection.OpenAsync(_proxyd, _tenant);
                _counts.Connected();
                _wire = wire;
                Forget();
                for (int left = _random.Next(1, 40); left > 0 && !stop.IsCancellationRequested; left--)
                {
                    (doing, Func<Task> ask) = _questions[_random.Next(_questions.Length)];
                    long started = Stopwatch.GetTimestamp();
                    await ask();
                    _counts.Asked(doing, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }
                doing = "end";
                _counts.Ends.AddOrUpdate(await EndAsync(), 1, static (_, count) => count + 1);
            }
            catch (Exception wrong)
            {
                // Also what the harness itself trips over: a run that did not go as planned proves nothing.
                _counts.MixUps.Enqueue($"client {_number}, {doing}: {wrong.Message}");
                return;
            }
        }
    }

    private string Mark() => $"c{_number}-{++_marks}";

    private void Forget()
    {
        _applicationName = "";
        _prepared.Clear();
    }

    private async Task<Answer> AskAsync(params byte[][] messages)
    {
        await _wire.SendAsync(messages);
        return await AnswerAsync();
    }

    private async Task<Answer> AnswerAsync()
    {
        Answer answer = await _wire.ReadAsync(Timeout);
        _counts.Answered();
        return answer;
    }

    private static void Expect(Answer answer, char status, string sqlState, params string[] rows)
    {
        if (answer.Status == status && answer.SqlState == sqlState && answer.Rows.SequenceEqual(rows)) return;
        throw new InvalidOperationException($"expected [{Answer.Short(rows)}] {sqlState} {status}, got {answer}");
    }

    private static void ExpectInError(Answer answer, string mark)
    {
        if (!answer.Error.Contains($"\"{mark}\"", StringComparison.Ordinal)) throw new InvalidOperationException($"expected an error about {mark}, got {answer}");
    }

    private async Task SimpleAsync()
    {
        string mark = Mark();
        Expect(await AskAsync(Query($"SELECT '{mark}', current_setting('application_name')")), 'I', "", $"{mark}|{_applicationName}");
    }

    private async Task WhoseAsync()
    {
        string mark = Mark();
        Expect(await AskAsync(Query($"SELECT slug, '{mark}' FROM whose")), 'I', "", $"{_tenant.Slug}|{mark}");
        Expect(await AskAsync(Parse("", "SELECT slug || $1 FROM whose"), Bind("", "", mark), Execute(), Sync), 'I', "", $"{_tenant.Slug}{mark}");
    }

    private async Task SeveralAsync()
    {
        string first = Mark(), second = Mark();
        Expect(await AskAsync(Query($"SELECT '{first}'; SELECT '{second}' FROM generate_series(1, 2)")), 'I', "", first, second, second);
    }

    private static byte[] Extended(string mark)
        => Join(Parse("", "SELECT $1::text || '/' || current_setting('application_name')"), Bind("", "", mark), DescribePortal(""), Execute(), Sync);

    private async Task ExtendedAsync()
    {
        string mark = Mark();
        Expect(await AskAsync(Extended(mark)), 'I', "", $"{mark}/{_applicationName}");
    }

    private async Task PreparedAsync()
    {
        // All clients use the same names for different texts: the proxy has to keep them apart on the servers they share.
        int slot = _random.Next(6);
        string mark = Mark(), name = $"s{slot}";
        List<byte[]> messages = [];
        if (_random.Next(10) == 0 && _prepared.Remove(slot)) messages.Add(CloseStatement(name));
        if (!_prepared.TryGetValue(slot, out int version))
        {
            version = _prepared[slot] = ++_versions;
            messages.Add(Parse(name, $"SELECT $1::text || '/{_number}.{slot}.{version}'"));
        }
        messages.AddRange([Bind("", name, mark), Execute(), Sync]);
        Expect(await AskAsync([.. messages]), 'I', "", $"{mark}/{_number}.{slot}.{version}");
    }

    private async Task UnnamedAsync()
    {
        string mark = Mark();
        Expect(await AskAsync(Parse("", $"SELECT $1::text || '{mark}'"), DescribeStatement(""), Sync), 'I', "");
        Expect(await AskAsync(Bind("", "", "<"), Execute(), Sync), 'I', "", $"<{mark}");
    }

    private async Task ErrorAsync()
    {
        string mark = Mark();
        Answer answer = await AskAsync(Query($"SELECT '{mark}'::int"));
        Expect(answer, 'I', "22P02");
        ExpectInError(answer, mark);
    }

    private async Task TransactionAsync()
    {
        string mark = Mark();
        bool commits = _random.Next(2) == 0, fails = _random.Next(3) == 0;
        Expect(await AskAsync(Query("BEGIN")), 'T', "");
        Expect(await AskAsync(Query($"SET LOCAL application_name = '{mark}'")), 'T', "");
        Answer pid = await AskAsync(Query("SELECT pg_backend_pid()"));
        Expect(await AskAsync(Query($"INSERT INTO notes (body) VALUES ('{mark}')")), 'T', "");
        Expect(await AskAsync(Extended(mark)), 'T', "", $"{mark}/{mark}");
        Expect(await AskAsync(Query("SELECT pg_backend_pid()")), 'T', "", [.. pid.Rows]);
        if (fails)
        {
            Expect(await AskAsync(Query($"SELECT '{mark}'::int")), 'E', "22P02");
            Expect(await AskAsync(Query("SELECT 1")), 'E', "25P02");
        }
        Expect(await AskAsync(Query(commits ? "COMMIT" : "ROLLBACK")), 'I', "");
        int kept = commits && !fails ? 1 : 0;
        Expect(await AskAsync(Query($"SELECT count(*), current_setting('application_name') FROM notes WHERE body = '{mark}'")), 'I', "", $"{kept}|{_applicationName}");
        Expect(await AskAsync(Query($"DELETE FROM notes WHERE body = '{mark}'")), 'I', "");
    }

    private async Task SetAsync()
    {
        string mark = Mark();
        switch (_random.Next(5))
        {
            case 0:
                Expect(await AskAsync(Query("RESET application_name")), 'I', "");
                _applicationName = "";
                break;
            case 1:
                Expect(await AskAsync(Parse("", $"SET application_name = '{mark}'"), Bind("", ""), Execute(), Sync), 'I', "");
                _applicationName = mark;
                break;
            case 2:
                await _wire.SendAsync(Query($"SET application_name = '{mark}'"), Extended(mark));
                Expect(await AnswerAsync(), 'I', "");
                Expect(await AnswerAsync(), 'I', "", $"{mark}/{mark}");
                _applicationName = mark;
                break;
            case 3:
                Expect(await AskAsync(Query("DISCARD ALL")), 'I', "");
                Forget();
                break;
            default:
                Expect(await AskAsync(Query($"SET application_name = '{mark}'")), 'I', "");
                _applicationName = mark;
                break;
        }
        await SimpleAsync();
    }

    private async Task LargeAsync()
    {
        string mark = Mark();
        int times = _random.Next(1000, 40_000);
        Expect(await AskAsync(Query($"SELECT repeat('{mark}', {times})")), 'I', "", string.Concat(Enumerable.Repeat(mark, times)));
    }

    private async Task TemporaryTableAsync()
    {
        string mark = Mark();
        Expect(await AskAsync(Query($"CREATE TEMP TABLE mine AS SELECT '{mark}' AS mark")), 'I', "");
        Expect(await AskAsync(Query("SELECT mark FROM mine")), 'I', "", mark);
        Expect(await AskAsync(Query("DISCARD ALL")), 'I', "");
        Forget();
        Expect(await AskAsync(Query("SELECT mark FROM mine")), 'I', "42P01");
    }
}
