using System.Security.Cryptography;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>Attempts below SQL: messages out of place, answers shifted, start-up packets that say too much, cancel requests for others.</summary>
internal static class AttacksOnProtocol
{
    /// <param name="stage">Who attacks whom.</param>
    /// <param name="largeObject">Number of the victim's large object.</param>
    public static IEnumerable<Attack> All(Stage stage, long largeObject)
    {
        string id = stage.Victim.Id.ToString(), own = $"SELECT string_agg(body, ',') FROM notes WHERE body = '{stage.Mark}'";
        yield return Shift("Sync inside a COPY", 2, Query("CREATE TEMP TABLE fed (t text)"), Parse("", "COPY fed FROM STDIN"), Bind("", ""), Execute(), Sync, CopyData("x\n"), Sync, CopyDone, Sync);
        yield return Shift("CopyData, CopyDone and CopyFail for no COPY", 1, CopyData("x\n"), CopyDone, CopyFail("no"), Query("SELECT 1"), CopyData("late\n"), CopyDone);
        yield return Shift("an Execute without a Bind", 2, Execute(), Sync, Query("SELECT 1"));
        yield return Shift("a Bind of nothing, then a Query behind the error", 1, Bind("", "none"), Query("SELECT 1"), Execute(), Sync);
        yield return Shift("many Syncs", 20, [.. Enumerable.Repeat(Sync, 20)]);
        yield return Shift("errors and Syncs in turn", 6, [.. Enumerable.Repeat<byte[][]>([Parse("", "SELEC"), Sync, Query("SELECT 1/0"), Query("SELECT 2")], 2).SelectMany(batch => batch)]);
        yield return Shift("DISCARD ALL inside a pipeline", 3, Query("DISCARD ALL"), Parse("s", "SELECT 1"), Bind("", "s"), Execute(), Sync, Query("DEALLOCATE ALL"));
        yield return Shift("DEALLOCATE of a name that the proxy gave", 2, Parse("s", "SELECT 1"), Sync, Query("DEALLOCATE proxysuite_1"));
        yield return Shift("a name that the proxy gives to others", 2, Parse("proxysuite_1", "SELECT 1"), Bind("", "proxysuite_1"), Execute(), Sync, CloseStatement("proxysuite_1"), Sync);
        yield return Shift("a statement over its own name", 2, Parse("s", "SELECT 1"), Parse("s", "SELECT 2"), Sync, Bind("", "s"), Execute(), Sync);
        yield return Shift("a transaction that is ended behind its error", 1, Parse("", "BEGIN"), Bind("", ""), Execute(), Parse("", "SELECT 1/0"), Bind("", ""), Execute(), Parse("", "COMMIT"), Bind("", ""), Execute(), Sync);
        yield return new("FunctionCall of set_config", "0A000", async duel =>
        {
            await duel.SendAsync(1, Call(2078, "app.current_tenant_id", id, "f"));
            await duel.SendAsync(1, Query("SELECT body FROM notes"));
        });
        yield return new("FunctionCall of pg_terminate_backend", "0A000", async duel => await duel.SendAsync(1, Call(2096, "1", "0")));
        yield return new("FunctionCall of lo_get", "42501 42704", async duel => await duel.SendAsync(1, Call(3458, largeObject.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        yield return new("FunctionCall of lo_unlink", "42501 42704", async duel => await duel.SendAsync(1, Call(964, largeObject.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        yield return new("a password message behind the login", "08P01", async duel => await duel.SendAsync(1, Password("again")));
        yield return new("replies for nobody: thousands of Flushes", "ok", async duel => await duel.SendAsync(1, [.. Enumerable.Repeat(Flush, 2000), Query("SELECT 1")]));
        yield return new("FunctionCall in a failed transaction", "22012 0A000", async duel => await duel.SendAsync(3, Query("BEGIN"), Query("SELECT 1/0"), Call(2078, "app.current_tenant_id", id, "f")));

        yield return Login("the victim's id", "0A000", "app.current_tenant_id", id);
        yield return Login("the victim's id in options", "0A000", "options", $"-c app.current_tenant_id={id}");
        yield return Login("the victim's id behind an escaped blank", "ok 42501 42P01", "options", $"-c application_name=x\\ -c\\ app.current_tenant_id={id}");
        yield return Login("the victim's id behind another setting", "0A000", "options", $"-c geqo=off --app.current_tenant_id={id}");
        yield return Login("the victim's role", "0A000", "role", stage.Victim.Role);
        yield return Login("a seal", "0A000", "options", "-c app.tenant_seal=1.1.ff");
        yield return Login("the victim's schema first", "ok 42501 42P01", "search_path", $"{stage.Victim.Schema}, public");
        yield return Login("replication", "0A000", "replication", "database");
        yield return Login("the victim as tenant option", "28000", "options", $"-c tenant={stage.Victim.Slug}");
        yield return Login("a library", "0A000", "options", "-c session_preload_libraries=dblink");
        yield return Login("switches of a server", "22023", "options", "-p 1 -D /tmp");

        yield return new("cancel of the victim by guessed keys", "ok", duel => CancelAsync(duel, async victim =>
        {
            for (int i = 0; i < 50; i++) await SendCancelAsync(duel, victim.ProcessId, RandomNumberGenerator.GetBytes(4));
        }));
        yield return new("cancel of the victim by a key of nothing, and of other lengths", "ok", duel => CancelAsync(duel, async victim =>
        {
            foreach (int length in (int[])[0, 1, 3, 4, 8, 32, 200]) await SendCancelAsync(duel, victim.ProcessId, new byte[length]);
        }));
        yield return new("cancel of the victim by one's own key", "ok", duel => CancelAsync(duel, async victim => await SendCancelAsync(duel, victim.ProcessId, (await duel.AttackerAsync()).SecretKey)));
        yield return new("cancel by one's own key when one's query is over", "ok", duel => CancelAsync(duel, async _ =>
        {
            for (int i = 0; i < 5; i++) await (await duel.AttackerAsync()).CancelAsync();
        }));
        yield return new("cancel of the pids that pg_stat_activity shows", "ok 42501", duel => CancelAsync(duel, async _ =>
        {
            RawClient attacker = await duel.AttackerAsync();
            IReadOnlyList<WireMessage> rows = await attacker.QueryAsync("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL LIMIT 10");
            foreach (WireMessage row in rows.Where(row => row.Type == 'D'))
            {
                if (int.TryParse(row.ToString().Trim('D', 'a', 't', 'R', 'o', 'w', ' ', '[', ']', '"'), out int pid)) await SendCancelAsync(duel, pid, attacker.SecretKey);
            }
        }));

        Attack Shift(string what, int readies, params byte[][] messages) => new($"shifted answers: {what}", "", async duel =>
        {
            await duel.SendAsync(readies, messages);
            await duel.MeanwhileVictimGetsAsync(stage.Mark, own);
            await duel.VictimFindsAsync(own, stage.Mark);
        });

        Attack Login(string what, string outcome, string name, string value) => new($"start-up: {what}", outcome, async duel =>
        {
            try
            {
                duel.Use(await stage.ConnectAttackerAsync(new KeyValuePair<string, string>(name, value)));
            }
            catch (InvalidOperationException refused)
            {
                // "FATAL 0A000 …"
                duel.Met(refused.Message.Split(' ')[1]);
                return;
            }
            await duel.SayAsync("SELECT body FROM notes", $"SELECT body FROM {stage.Victim.Schema}.notes");
        });
    }

    private static async Task CancelAsync(Duel duel, Func<RawClient, Task> attack)
    {
        await duel.SayAsync("SELECT 1");
        using RawClient victim = await duel.Stage.ConnectVictimAsync();
        await victim.SendAsync(Query("SELECT 'slept' FROM (SELECT pg_sleep(0.4)) s"));
        await attack(victim);
        IReadOnlyList<WireMessage> answer = await victim.ReadUntilAsync(BackendMessage.ReadyForQuery);
        if (!answer.Any(message => message.ToString().Contains("slept", StringComparison.Ordinal) && message.Type == 'D')) duel.Harm.Add($"the victim's query was hit: {answer[0]}");
    }

    private static async Task SendCancelAsync(Duel duel, int processId, byte[] key)
    {
        using RawClient bare = await duel.Stage.ConnectBareAsync();
        await bare.SendAsync(CancelRequest(processId, key));
        await bare.Wire.ReadToEndAsync();
    }

    /// <summary>FunctionCall with arguments in text form.</summary>
    private static byte[] Call(int function, params string[] arguments) => Make(to =>
    {
        int mark = to.Begin(FrontendMessage.FunctionCall);
        to.WriteInt32(function);
        to.WriteInt16(0);
        to.WriteInt16((ushort)arguments.Length);
        foreach (string argument in arguments)
        {
            to.WriteInt32(argument.Length);
            to.WriteBytes(System.Text.Encoding.ASCII.GetBytes(argument));
        }
        // The result as it is: in text a bytea would be digits.
        to.WriteInt16(1);
        to.End(mark);
    });
}
