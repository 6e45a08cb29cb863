using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class LongTextTests
{
    private static readonly StatementRules Rules = new()
    {
        Limits = new Dictionary<string, SettingLimit> { ["work_mem"] = new(SettingUnit.Kilobytes, 4096, "4096kB") },
    };

    private static readonly string[] Pieces =
    [
        "LOCK t", ";", "; LOCK t", "'", "''", "E'", "e'", "\\", "\\'", "\"", "$$", "$a$", "$1", "$", "a", "/*", "*/", "--", "\n", "\r", " ", "U&'", "U&\"", "(", ")", "SELECT 1",
        "-", "/", "*", "é", "n'", "x$a$", "SET work_mem = '9GB'", "COPY t TO '/x'", "\f",
    ];

    /// <summary>However texts are made and wherever they are cut, the parts get the verdict of the whole.</summary>
    [Fact]
    public void Parts_get_the_verdict_of_the_whole()
    {
        var random = new Random(4711);
        int refused = 0;
        for (int i = 0; i < 60_000; i++)
        {
            string sql = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Pieces[random.Next(Pieces.Length)]));
            byte[] text = Encoding.UTF8.GetBytes(sql);
            string whole = Words(StatementFilter.Judge(text, Rules)), parts = Words(Feed(text, random.Next(1, 7)));
            // A limit that a text comes to first ends it there.
            Assert.True(whole == parts || (parts == "limit" && whole.Length > 0), $"{sql.Replace("\n", "\\n", StringComparison.Ordinal)}\n whole {whole}\n parts {parts}");
            if (whole.Length > 0) refused++;
        }
        Assert.InRange(refused, 5_000, 55_000);
    }

    [Theory]
    [InlineData("SELECT 1 /* {0} */; LOCK t")]
    [InlineData("/* {0} */ LOCK t")]
    [InlineData("--{0}\nLOCK t")]
    [InlineData("SELECT '{0}'; LOCK t")]
    [InlineData("SELECT E'{0}\\''; LOCK t")]
    [InlineData("SELECT $x${0}$x$; LOCK t")]
    [InlineData("SELECT \"{0}\"; LOCK t")]
    [InlineData("SELECT {0};LOCK t")]
    [InlineData("LOCK /* {0} */ t, {0}")]
    public void What_is_hidden_behind_much_is_found(string sql)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, new string('x', 200_000)));
        Assert.Equal("LockTable", Words(Feed(text, 65_536)));
    }

    [Theory]
    [InlineData("INSERT INTO t VALUES ('{0}; LOCK t')")]
    [InlineData("SELECT $x${0}; LOCK t $ $x $x$")]
    [InlineData("SELECT 1 -- {0} ; LOCK t")]
    public void What_only_looks_like_it_is_not(string sql)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, new string('x', 200_000)));
        Assert.Equal("", Words(Feed(text, 65_536)));
    }

    [Fact]
    public void What_stands_behind_the_terminator_is_no_text() => Assert.Equal("", Words(Feed(Encoding.UTF8.GetBytes("SELECT 1\0; LOCK t"), 3)));

    private static StatementVerdict? Feed(byte[] text, int partLength)
    {
        var reader = new LongText(Rules);
        byte[] message = [.. text, 0];
        for (int at = 0; at < message.Length; at += partLength)
        {
            if (reader.Feed(message.AsSpan(at, Math.Min(partLength, message.Length - at))) is { } verdict) return verdict;
        }
        Assert.True(reader.IsOver);
        return null;
    }

    private static string Words(StatementVerdict? verdict)
        => verdict is null ? "" : verdict.Refusal is StatementRefusal.None or StatementRefusal.ComputedSetting ? "limit" : verdict.Refusal.ToString();
}
