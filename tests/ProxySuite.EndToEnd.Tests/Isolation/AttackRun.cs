using System.Globalization;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>Attacks one after the other on one stage, and what became of each.</summary>
/// <param name="alsoRefused">SQLSTATEs that an attack may end with on this stage beside its own, as more is refused there.</param>
internal sealed class AttackRun(Stage stage, string alsoRefused = "") : IDisposable
{
    private RawClient? _victim;
    private RawClient? _superuser;
    private const string None = "0";

    private string _largeObject = None;

    /// <summary>Attacks carried out.</summary>
    public int Tried { get; private set; }

    /// <summary>Those that did harm, by name, with what they did.</summary>
    public List<(string What, string Harm)> Harmful { get; } = [];

    /// <summary>Those that ended otherwise than they have to, and so may not have run.</summary>
    public List<string> Unexpected { get; } = [];

    /// <summary>Gives the victim a row, a large object and an open transaction that hold its mark.</summary>
    public async Task PrepareAsync()
    {
        await stage.Victim.AsSuperuserAsync("TRUNCATE notes RESTART IDENTITY");
        await stage.Attacker.AsSuperuserAsync("TRUNCATE notes RESTART IDENTITY");
        _superuser = await RawClient.ConnectAsync(stage.Victim.Shard.Port);
        await _superuser.LoginAsync(PostgresServer.SuperUser, stage.Victim.Database, PostgresServer.SuperPassword);
        await ReviveAsync();
    }

    /// <summary>The number of the victim's large object.</summary>
    public long LargeObject => long.Parse(_largeObject, CultureInfo.InvariantCulture);

    public async Task CarryOutAsync(IEnumerable<Attack> attacks)
    {
        foreach (Attack attack in attacks)
        {
            Tried++;
            using var duel = new Duel(stage);
            try
            {
                await attack.Carry(duel);
            }
            catch (Exception broken) when (broken is InvalidOperationException or IOException or System.Net.Sockets.SocketException or TimeoutException)
            {
                Unexpected.Add($"{attack.What}: {broken.Message}");
            }
            if (attack.Outcome.Length > 0 && !$"{attack.Outcome} {alsoRefused}".Split(' ').Contains(duel.Outcome)) Unexpected.Add($"{attack.What}: ended with {duel.Outcome}, not {attack.Outcome}");
            if (!await stage.IsOpenAsync()) duel.Harm.Add("the victim can log in or write no more");
            if (!await IsVictimWholeAsync())
            {
                duel.Harm.Add("the victim's session, row or large object is not as it was");
                await ReviveAsync();
            }
            if (duel.Harm.Count > 0) Harmful.Add((attack.What, string.Join("; ", duel.Harm)));
        }
    }

    public void Dispose()
    {
        _victim?.Dispose();
        _superuser?.Dispose();
    }

    private async Task<bool> IsVictimWholeAsync()
    {
        try
        {
            // Last what names the mark: so it is what pg_stat_activity shows of the session.
            return (_largeObject == None || await _victim!.ScalarAsync($"SELECT convert_from(lo_get({_largeObject}), 'UTF8')") == stage.Mark)
                && await _victim!.ScalarAsync($"SELECT count(*) FROM notes WHERE body = '{stage.Mark}'") == "1"
                && await _superuser!.ScalarAsync($"SELECT count(*) FROM {stage.Victim.Schema}.notes WHERE body = '{stage.Mark}'") == "1";
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private async Task ReviveAsync()
    {
        _victim?.Dispose();
        await _superuser!.QueryAsync($"DELETE FROM {stage.Victim.Schema}.notes WHERE body = '{stage.Mark}'");
        _victim = await stage.ConnectVictimAsync();
        await _victim.ScalarAsync($"INSERT INTO notes (body) VALUES ('{stage.Mark}')");
        // The same number as before, as attacks know it.
        await _superuser.QueryAsync($"SELECT lo_unlink({_largeObject})");
        try
        {
            _largeObject = await _victim.ScalarAsync($"SELECT lo_from_bytea({_largeObject}, '{stage.Mark}')") ?? None;
        }
        catch (InvalidOperationException)
        {
            // Strict shards have no large objects.
        }
        await _victim.ScalarAsync("BEGIN");
        if (!await IsVictimWholeAsync()) throw new InvalidOperationException("the victim does not see what it wrote");
    }
}
