using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.MixUp;

/// <summary>What takes more than one question and one answer, and the ends.</summary>
internal sealed partial class MixClient
{
    private async Task PipelineAsync()
    {
        var expected = new List<(string SqlState, string Content)>();
        List<byte[]> messages = [];
        for (int left = _random.Next(2, 20); left > 0; left--)
        {
            string mark = Mark();
            switch (_random.Next(4))
            {
                case 0:
                    messages.Add(Query($"SELECT '{mark}'"));
                    expected.Add(("", mark));
                    break;
                case 1:
                    messages.Add(Join(Parse("", "SELECT $1::int"), Bind("", "", mark), Execute(), Parse("", "SELECT 'skipped'"), Bind("", ""), Execute(), Sync));
                    expected.Add(("22P02", mark));
                    break;
                default:
                    messages.Add(Extended(mark));
                    expected.Add(("", $"{mark}/{_applicationName}"));
                    break;
            }
        }
        await _wire.SendInPiecesAsync(Join([.. messages]), _random);
        foreach ((string sqlState, string content) in expected)
        {
            Answer answer = await AnswerAsync();
            Expect(answer, 'I', sqlState, sqlState.Length == 0 ? [content] : []);
            if (sqlState.Length > 0) ExpectInError(answer, content);
        }
    }

    /// <summary>Several statements before one Sync; behind an error the rest is skipped.</summary>
    private async Task BatchAsync()
    {
        string[] marks = [.. Enumerable.Range(0, _random.Next(2, 8)).Select(_ => Mark())];
        int failing = _random.Next(2) == 0 ? _random.Next(marks.Length) : marks.Length;
        byte[] batch = Join([.. marks.Select((mark, index) => Join(Parse("", index == failing ? "SELECT $1::int" : "SELECT $1::text"), Bind("", "", mark), Execute()))]);
        Answer answer = await AskAsync(batch, Sync);
        Expect(answer, 'I', failing < marks.Length ? "22P02" : "", marks[..failing]);
        if (failing < marks.Length) ExpectInError(answer, marks[failing]);
    }

    private async Task CopyOutAsync()
    {
        string mark = Mark();
        int rows = _random.Next(1, 400);
        Expect(await AskAsync(Query($"COPY (SELECT '{mark}.' || n FROM generate_series(1, {rows}) n) TO STDOUT")), 'I', "", [.. Enumerable.Range(1, rows).Select(n => $"{mark}.{n}")]);
    }

    private async Task CopyInAsync()
    {
        string mark = Mark();
        int rows = _random.Next(1, 200);
        bool fails = _random.Next(3) == 0;
        Expect(await AskAsync(Query("BEGIN")), 'T', "");
        Expect(await AskAsync(Query("COPY notes (body) FROM STDIN")), 'G', "");
        await _wire.SendInPiecesAsync(Join([.. Enumerable.Repeat(CopyData($"{mark}\n"), rows), fails ? CopyFail($"\"{mark}\"") : CopyDone]), _random);
        Answer answer = await AnswerAsync();
        Expect(answer, fails ? 'E' : 'T', fails ? "57014" : "");
        if (fails) ExpectInError(answer, mark);
        else Expect(await AskAsync(Query($"SELECT count(*) FROM notes WHERE body = '{mark}'")), 'T', "", $"{rows}");
        Expect(await AskAsync(Query("ROLLBACK")), 'I', "");
    }

    private async Task CancelAsync()
    {
        await _wire.SendAsync(Query($"SELECT '{Mark()}' FROM pg_sleep(30)"));
        Task<Answer> answer = AnswerAsync();
        // A cancel that comes before the query has a server finds nothing to cancel, as with PostgreSQL; so it is asked again.
        do
        {
            await Task.Delay(_random.Next(1, 60));
            await _wire.CancelAsync();
        }
        while (await Task.WhenAny(answer, Task.Delay(200)) != answer);
        Expect(await answer, 'I', "57014");
    }

    private async Task LateCancelAsync()
    {
        await SimpleAsync();
        // Nothing of this client runs; whoever has the server now must not feel it.
        await _wire.CancelAsync();
    }

    /// <returns>How it went.</returns>
    private async Task<string> EndAsync()
    {
        switch (_random.Next(9))
        {
            case 0:
                await _wire.SendAsync(Terminate);
                return MixUpCounts.GoodBye;
            case 1:
                _wire.Reset();
                return "reset while idle";
            case 2:
                _wire.HalfClose();
                await _wire.DrainAsync(Timeout);
                return "half-close while idle";
            case 3:
                await _wire.SendAsync(Query($"SELECT repeat('{Mark()}', 100000) FROM generate_series(1, {_random.Next(1, 40)})"));
                await Task.Delay(_random.Next(0, 20));
                _wire.Reset();
                return "reset with an answer on its way";
            case 4:
                await _wire.SendAsync(Query($"SELECT '{Mark()}' FROM pg_sleep(30)"));
                await Task.Delay(_random.Next(0, 20));
                _wire.Reset();
                return "reset while a query runs";
            case 5:
                byte[] message = Join(Parse("", "SELECT $1::text"), Bind("", "", new string('x', 100_000)), Execute(), Sync);
                await _wire.SendAsync(message[.._random.Next(1, message.Length)]);
                ResetOrHalfClose();
                return "in the middle of a message";
            case 6:
                Expect(await AskAsync(Query("BEGIN")), 'T', "");
                Expect(await AskAsync(Query("INSERT INTO notes (body) VALUES ('killed')")), 'T', "");
                ResetOrHalfClose();
                return "in a transaction";
            case 7 when !_isShared:
                Expect(await AskAsync(Query("COPY notes (body) FROM STDIN")), 'G', "");
                await _wire.SendAsync(CopyData("killed\n"), CopyData("killed"));
                ResetOrHalfClose();
                return "in COPY in";
            default:
                await _wire.SendAsync(Parse("", "INSERT INTO notes (body) VALUES ('killed')"), Bind("", ""), Execute());
                if (_random.Next(2) == 0) await Task.Delay(5);
                _wire.Reset();
                return "before the Sync";
        }
    }

    private void ResetOrHalfClose()
    {
        if (_random.Next(2) == 0) _wire.Reset();
        else _wire.HalfClose();
    }
}
