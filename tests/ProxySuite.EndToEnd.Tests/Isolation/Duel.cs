using System.Text;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>
/// One attack under way: the attacker's session, what it came to, and the harm it did. It did harm when any byte that the attacker got holds the
/// victim's mark, when the victim does not get what it should, or when a limit is passed.
/// </summary>
internal sealed class Duel(Stage stage) : IDisposable
{
    private readonly List<RawClient> _others = [];
    private RawClient? _attacker;

    public Stage Stage { get; } = stage;

    /// <summary>What came of it, in words; empty when it was held.</summary>
    public List<string> Harm { get; } = [];

    /// <summary>SQLSTATE of the attacker's first error, or <c>ok</c>.</summary>
    public string Outcome { get; private set; } = "ok";

    /// <summary>The attacker's session, opened at first use.</summary>
    public async Task<RawClient> AttackerAsync() => _attacker ??= Keep(await Stage.ConnectAttackerAsync());

    /// <summary>The attacker says statements as simple queries, whatever becomes of each.</summary>
    public async Task SayAsync(params string[] statements)
    {
        RawClient client = await AttackerAsync();
        foreach (string statement in statements)
        {
            try
            {
                await client.SendAsync(FrontendBytes.Query(statement));
                if (!await ReadAsync(client, 1, statement)) return;
            }
            catch (Exception closed) when (closed is IOException or System.Net.Sockets.SocketException)
            {
                // While a long text was still being sent.
                Met("closed");
                return;
            }
        }
    }

    /// <summary>The attacker sends bytes and reads so many ReadyForQuery.</summary>
    public async Task SendAsync(int readies, params byte[][] messages)
    {
        RawClient client = await AttackerAsync();
        await client.SendAsync(messages);
        await ReadAsync(client, readies, "");
    }

    /// <summary>The attacker's session is over; the next one begins, on what it left behind if the stage lets it.</summary>
    public async Task ComeBackAsync()
    {
        RawClient old = await AttackerAsync();
        _others.Remove(old);
        _attacker = Keep(await Stage.HandOverAsync(old, toVictim: false));
    }

    /// <summary>The attacker goes, and the victim's next session gets the expected first value, or error.</summary>
    public async Task VictimFindsAsync(string sql, string expected)
    {
        RawClient old = await AttackerAsync();
        _others.Remove(old);
        _attacker = null;
        using RawClient victim = await Stage.HandOverAsync(old, toVictim: true);
        await ExpectAsync(victim, sql, expected);
    }

    /// <summary>The victim says statements and goes; the attacker's next session begins on what it left behind if the stage lets it.</summary>
    public async Task VictimLeavesAsync(params string[] statements)
    {
        RawClient victim = await Stage.ConnectVictimAsync();
        foreach (string statement in statements) await victim.QueryAsync(statement);
        _attacker = Keep(await Stage.HandOverAsync(victim, toVictim: false));
    }

    /// <summary>The victim sends bytes and vanishes without reading; the attacker's next session begins.</summary>
    public async Task VictimVanishesAsync(params byte[][] messages)
    {
        RawClient victim = await Stage.ConnectVictimAsync();
        await victim.SendAsync(messages);
        victim.Dispose();
        _attacker = Keep(await Stage.ConnectAttackerAsync());
    }

    /// <summary>While the attacker holds what it has, the victim gets this.</summary>
    public async Task MeanwhileVictimGetsAsync(string expected, params string[] statements)
    {
        using RawClient victim = await Stage.ConnectVictimAsync();
        foreach (string statement in statements[..^1]) await victim.QueryAsync(statement);
        await ExpectAsync(victim, statements[^1], expected);
    }

    /// <summary>The attacker's session must have this setting at the value that a fresh session of its plan has.</summary>
    public async Task IsWithinPlanAsync(string setting)
    {
        using RawClient fresh = await Stage.ConnectAttackerAsync();
        string plan = await fresh.ScalarAsync($"SHOW {setting}") ?? "";
        RawClient client = await AttackerAsync();
        string? now = null;
        try
        {
            await client.QueryAsync("ROLLBACK");
            now = await client.ScalarAsync($"SHOW {setting}");
        }
        catch (Exception ended) when (ended is InvalidOperationException or IOException or System.Net.Sockets.SocketException)
        {
            // A session that was ended exceeds nothing.
        }
        if (now is not null && now != plan) Harm.Add($"{setting} is {now}, and the plan says {plan}");
    }

    /// <summary>As <see cref="IsWithinPlanAsync"/>, asked inside the transaction that the attacker has open.</summary>
    public async Task IsWithinPlanNowAsync(string setting)
    {
        using RawClient fresh = await Stage.ConnectAttackerAsync();
        string plan = await fresh.ScalarAsync($"SHOW {setting}") ?? "";
        RawClient client = await AttackerAsync();
        IReadOnlyList<WireMessage> answer = await client.QueryAsync($"SELECT 'now=' || current_setting('{setting}')");
        if (!answer.Any(message => message.Type == 'E' || message.ToString().Contains($"now={plan}\"", StringComparison.Ordinal))) Harm.Add($"{setting} is {answer[1]}, and the plan says {plan}");
    }

    /// <summary>Adds an error that the attack met outside its session, as at login.</summary>
    public void Met(string sqlState)
    {
        if (Outcome == "ok") Outcome = sqlState;
    }

    /// <summary>Uses a session of the attacker made elsewhere.</summary>
    public void Use(RawClient client) => _attacker = Keep(client);

    public RawClient Keep(RawClient client)
    {
        _others.Add(client);
        return client;
    }

    public void Dispose()
    {
        foreach (RawClient client in _others) client.Dispose();
    }

    private async Task ExpectAsync(RawClient victim, string sql, string expected)
    {
        string got;
        try
        {
            got = await victim.ScalarAsync(sql) ?? "";
        }
        catch (InvalidOperationException failed)
        {
            got = failed.Message;
        }
        if (!got.Contains(expected, StringComparison.Ordinal) || (expected.Length == 0 && got.Length > 0)) Harm.Add($"the victim got \"{got}\" for {sql}, not \"{expected}\"");
    }

    /// <returns>False when the connection ended.</returns>
    private async Task<bool> ReadAsync(RawClient client, int readies, string statement)
    {
        while (readies > 0)
        {
            WireMessage? message = await client.NextAsync();
            if (message is null) return false;
            bool isEcho = message.Type == (char)BackendMessage.ErrorResponse && statement.Contains(Stage.Mark, StringComparison.Ordinal);
            if (!isEcho && Encoding.UTF8.GetString(message.Frame.Span).Contains(Stage.Mark, StringComparison.Ordinal)) Harm.Add($"the attacker read {message}");
            switch ((BackendMessage)message.Type)
            {
                case BackendMessage.ErrorResponse:
                    Met(ErrorResponse.Read(message.Body).ToPgError().SqlState);
                    break;
                case BackendMessage.CopyInResponse when statement.Length > 0:
                    await client.SendAsync(FrontendBytes.CopyFail("nothing to copy"));
                    break;
                case BackendMessage.ReadyForQuery:
                    readies--;
                    break;
            }
        }
        return true;
    }
}
