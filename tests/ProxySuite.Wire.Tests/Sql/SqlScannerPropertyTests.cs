using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

/// <summary>The same statements in any case, with any blanks and comments between their words, beside decoys in quotes.</summary>
public sealed class SqlScannerPropertyTests
{
    // Words are separated by |, where blanks and comments may stand.
    private static readonly (string Words, StatementTraits Traits)[] Statements =
    [
        ("SET|a|=|1", StatementTraits.SetsSession),
        ("SET|SESSION|a|TO|DEFAULT", StatementTraits.SetsSession),
        ("RESET|ALL", StatementTraits.SetsSession),
        ("SET|SESSION|CHARACTERISTICS|AS|TRANSACTION|READ|ONLY", StatementTraits.SetsSession),
        ("SET|LOCAL|a|=|1", StatementTraits.SetLocal),
        ("SET|SESSION|AUTHORIZATION|x", StatementTraits.SetRoleOrAuthorization),
        ("SET|ROLE|x", StatementTraits.SetRoleOrAuthorization),
        ("RESET|SESSION|AUTHORIZATION", StatementTraits.SetRoleOrAuthorization),
        ("DISCARD|ALL", StatementTraits.DiscardAll | StatementTraits.Discard),
        ("LISTEN|c", StatementTraits.Listen),
        ("UNLISTEN|*", StatementTraits.Unlisten),
        ("NOTIFY|c", StatementTraits.Notify),
        ("PREPARE|s|AS|SELECT|1", StatementTraits.Prepare),
        ("EXECUTE|s", StatementTraits.Execute),
        ("EXPLAIN|EXECUTE|s", StatementTraits.Execute),
        ("CREATE|TABLE|t|AS|EXECUTE|s", StatementTraits.Execute),
        ("DEALLOCATE|ALL", StatementTraits.Deallocate),
        ("DECLARE|c|CURSOR|WITH|HOLD|FOR|SELECT|1", StatementTraits.DeclareWithHold),
        ("CREATE|TEMP|TABLE|t|(|a|int|)", StatementTraits.CreatesTemp),
        ("CREATE|OR|REPLACE|LOCAL|TEMPORARY|VIEW|v|AS|SELECT|1", StatementTraits.CreatesTemp),
        ("SELECT|1|INTO|TEMP|t", StatementTraits.CreatesTemp),
        ("CREATE|TABLE|pg_temp|.|t|(|)", StatementTraits.CreatesTemp),
        ("LOAD|'x'", StatementTraits.Load),
        ("DO|'BEGIN END'", StatementTraits.Do),
        ("CALL|p|(|)", StatementTraits.Call),
        ("SELECT|pg_advisory_lock|(|1|)", StatementTraits.SessionAdvisoryLock),
        ("SELECT|pg_catalog|.|pg_try_advisory_lock_shared|(|1|)", StatementTraits.SessionAdvisoryLock),
        ("SELECT|set_config|(|'a'|,|'b'|,|false|)", StatementTraits.SetConfig),
        ("SELECT|1|FROM|U&\"x\"", StatementTraits.UnicodeIdentifier),
        ("BEGIN", StatementTraits.BeginsTransaction),
        ("START|TRANSACTION", StatementTraits.BeginsTransaction),
        ("COMMIT|AND|CHAIN", StatementTraits.EndsTransaction | StatementTraits.BeginsTransaction),
        ("END", StatementTraits.EndsTransaction),
        ("ROLLBACK", StatementTraits.EndsTransaction),
        ("PREPARE|TRANSACTION|'x'", StatementTraits.EndsTransaction),
        ("COPY|t|TO|STDOUT", StatementTraits.Copy),
        ("LOCK|t", StatementTraits.Lock),
        ("SELECT|a|FROM|t|WHERE|b|=|$1", StatementTraits.None),
        ("INSERT|INTO|t|VALUES|(|'x; SET a = 1'|)", StatementTraits.None),
        ("UPDATE|t|SET|a|=|E'\\'; DISCARD ALL; '", StatementTraits.None),
        ("SELECT|\"; LISTEN c; \"|,|$q$; LOAD 'x'; $$ $q$", StatementTraits.None),
        ("WITH|x|AS|(|SELECT|'it''s ; it'|)|SELECT|*|FROM|x", StatementTraits.None),
    ];

    private static readonly string[] Blanks =
    [
        " ", "\n", "\t", "\r", "\f", " \v ", "/**/", "/* ; ' \" $$ SET a = 1 */", "/* /* ; */ ' */", "-- ; ' /* \n", "-- DISCARD ALL \r",
        " -- \" $x$ \n\n /*-*/ ",
    ];

    [Fact]
    public void Every_trait_and_every_statement_is_seen_in_any_dress()
        => Prop.ForAll(ArbMap.Default.ArbFor<NonEmptyArray<byte>>(), ArbMap.Default.ArbFor<int>(), (choices, seed) =>
        {
            var dress = new Random(seed);
            var expected = StatementTraits.None;
            var sql = new StringBuilder();
            foreach (byte choice in choices.Get)
            {
                (string words, StatementTraits traits) = Statements[choice % Statements.Length];
                expected |= traits;
                sql.Append(Dress(words, dress)).Append(';');
            }

            StatementFacts facts = SqlScanner.Scan(Encoding.UTF8.GetBytes(sql.ToString()));
            return (facts.StatementCount == choices.Get.Length && (facts.Traits & expected) == expected)
                .Label($"expected {choices.Get.Length} with {expected}, saw {facts.StatementCount} with {facts.Traits}: {sql}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Theory]
    [InlineData("SELECT a FROM t WHERE b = 'x'")]
    [InlineData("SELECT $1::text, \"a;b\", 'c;d', $$e;f$$")]
    [InlineData("UPDATE t SET a = E'\\'', b = U&'\\0041'")]
    public void A_name_that_matters_is_found_at_every_place_of_a_text(string around)
    {
        (string, StatementTraits)[] names =
        [
            ("Set_Config(", StatementTraits.SetConfig),
            ("pg_Advisory_Lock(", StatementTraits.SessionAdvisoryLock),
            ("PG_TEMP.", StatementTraits.CreatesTemp),
            ("u&\"x\"", StatementTraits.UnicodeIdentifier),
        ];
        foreach ((string name, StatementTraits trait) in names)
        {
            for (int at = 0; at <= around.Length; at++)
            {
                string sql = around.Insert(at, name);
                Assert.True(SqlScanner.Scan(Encoding.UTF8.GetBytes(sql)).Traits.HasFlag(trait), sql);
            }
        }
    }

    [Fact]
    public void A_trait_is_seen_wherever_the_vectors_of_the_search_begin_and_end()
    {
        for (int before = 0; before < 100; before++)
        {
            for (int after = 0; after < 40; after++)
            {
                string sql = "SELECT " + new string('x', before) + " set_config(" + new string('y', after);
                Assert.Equal(StatementTraits.SetConfig, SqlScanner.Scan(Encoding.UTF8.GetBytes(sql)).Traits);
            }
        }
    }

    private static string Dress(string words, Random dress)
    {
        var text = new StringBuilder();
        foreach (string word in words.Split('|'))
        {
            for (int blanks = dress.Next(1, 3); blanks > 0; blanks--)
            {
                text.Append(Blanks[dress.Next(Blanks.Length)]);
            }

            // In quotes and behind a dollar, case is part of the text.
            bool isWord = char.IsAsciiLetter(word[0]) && !word.Contains('\'') && !word.Contains('"');
            text.Append(isWord ? string.Concat(word.Select(c => dress.Next(2) == 0 ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c))) : word);
        }

        return text.ToString();
    }
}
