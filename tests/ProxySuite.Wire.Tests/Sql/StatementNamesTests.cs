using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class StatementNamesTests
{
    [Theory]
    [InlineData("SELECT 1", "")]
    [InlineData("PREPARE q AS SELECT 1", "Prepare q [SELECT 1]")]
    [InlineData("prepare Q (int, numeric(3, 2)) as SELECT $1 ; ", "Prepare q typed [SELECT $1]")]
    [InlineData("/* x */ PREPARE -- y\n q AS\nVALUES (1) -- z", "Prepare q [VALUES (1)]")]
    [InlineData("PREPARE TRANSACTION 'x'", "")]
    [InlineData("PREPARE transaction AS SELECT 1", "Prepare transaction [SELECT 1]")]
    [InlineData("PREPARE", "")]
    [InlineData("PREPARE 'q' AS SELECT 1", "")]
    [InlineData("PREPARE q", "Prepare q []")]
    [InlineData("PREPARE q AS", "Prepare q []")]
    [InlineData("EXECUTE q", "Execute q")]
    [InlineData("EXECUTE q(1, ';')", "Execute q")]
    [InlineData("EXECUTE \"My \"\"q\"\"\"(1)", "Execute My \"q\"")]
    [InlineData("EXECUTE \"a\" \"b\"", "Execute a")]
    [InlineData("EXECUTE U&\"\\0061\"", "Execute ?")]
    [InlineData("EXECUTE \"\"", "Execute ?")]
    [InlineData("EXECUTE", "")]
    [InlineData("DEALLOCATE q", "Deallocate q")]
    [InlineData("DEALLOCATE PREPARE q", "Deallocate q")]
    [InlineData("DEALLOCATE prepare", "Deallocate prepare")]
    [InlineData("DEALLOCATE prepare;", "Deallocate prepare")]
    [InlineData("DEALLOCATE ALL", "ALL")]
    [InlineData("DEALLOCATE PREPARE ALL", "ALL")]
    [InlineData("DEALLOCATE \"all\"", "Deallocate all")]
    [InlineData("EXPLAIN EXECUTE q", "Execute q")]
    [InlineData("EXPLAIN ANALYZE VERBOSE EXECUTE q(1)", "Execute q")]
    [InlineData("EXPLAIN (ANALYZE, COSTS OFF) EXECUTE q", "Execute q")]
    [InlineData("EXPLAIN SELECT execute FROM t", "")]
    [InlineData("EXPLAIN CREATE TABLE t AS EXECUTE q", "Execute q")]
    [InlineData("CREATE TABLE t AS EXECUTE q(1) WITH NO DATA", "Execute q")]
    [InlineData("CREATE TEMP TABLE t (a) WITH (fillfactor = 70) AS EXECUTE q", "Execute q")]
    [InlineData("CREATE VIEW v AS SELECT 1 AS execute", "")]
    [InlineData("CREATE TABLE t AS SELECT 1 AS execute", "")]
    [InlineData("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'EXECUTE q'", "")]
    [InlineData("SELECT 'EXECUTE q'; EXECUTE r; PREPARE s AS SELECT 1; DEALLOCATE ALL", "Execute r|Prepare s [SELECT 1]|ALL")]
    public void Names_are_found_where_statements_have_them(string sql, string expected)
    {
        byte[] text = Encoding.UTF8.GetBytes(sql);
        var names = new StatementNames(text);
        var lines = new List<string>();
        while (names.TryNext(out NamedStatement found))
        {
            string body = found.Use == NameUse.Prepare ? $"{(found.HasTypes ? " typed" : "")} [{Encoding.UTF8.GetString(text[found.Body])}]" : "";
            lines.Add($"{found.Use} {Name(text[found.Name])}{body}");
        }
        if (names.HasAll) lines.Add("ALL");
        Assert.Equal(expected, string.Join('|', lines));
    }

    [Theory]
    [InlineData(62, "é", 62)]
    [InlineData(61, "é", 63)]
    [InlineData(61, "éx", 63)]
    [InlineData(70, "", 63)]
    public void A_long_name_is_cut_in_front_of_the_character_that_does_not_fit(int letters, string rest, int length)
        => Assert.Equal(length, Encoding.UTF8.GetByteCount(Name(Encoding.UTF8.GetBytes(new string('N', letters) + rest))));

    [Fact]
    public void No_text_makes_it_fail()
    {
        var random = new Random(1);
        string[] pieces = ["PREPARE", "EXECUTE", "DEALLOCATE", "ALL", "EXPLAIN", "CREATE", "TABLE", "AS", "(", ")", ";", "\"", "'", "$$", "q", "--", "\n", "/*", "*/", "U&\"", "é"];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(string.Join(random.Next(2) == 0 ? " " : "", Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)])));
            var names = new StatementNames(text);
            while (names.TryNext(out NamedStatement found))
            {
                Assert.InRange(StatementNames.Decode(text.AsSpan(found.Name), new byte[text.Length]), 0, StatementNames.NameBytesMax);
                _ = text[found.Body];
            }
        }
    }

    private static string Name(byte[] written)
    {
        byte[] name = new byte[written.Length];
        int length = StatementNames.Decode(written, name);
        return length == 0 ? "?" : Encoding.UTF8.GetString(name.AsSpan(0, length));
    }
}
