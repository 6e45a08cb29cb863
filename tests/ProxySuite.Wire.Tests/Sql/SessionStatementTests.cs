using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class SessionStatementTests
{
    [Theory]
    [InlineData("LISTEN news", "news")]
    [InlineData("listen News ;", "news")]
    [InlineData("LISTEN Ünï", "Ünï")]
    [InlineData("LISTEN \"My \"\"News\"\"\" -- end", "My \"News\"")]
    [InlineData("LISTEN \"\"", null)]
    [InlineData("LISTEN a.b", null)]
    [InlineData("LISTEN a b", null)]
    [InlineData("LISTEN U&\"a\"", null)]
    [InlineData("LISTEN 'a'", null)]
    [InlineData("UNLISTEN news", "news")]
    [InlineData("SAVEPOINT S1", "s1")]
    [InlineData("RELEASE s", "s")]
    [InlineData("RELEASE SAVEPOINT s", "s")]
    [InlineData("RELEASE savepoint", "savepoint")]
    [InlineData("ROLLBACK TO s", "s")]
    [InlineData("ROLLBACK WORK TO SAVEPOINT \"S\"", "S")]
    [InlineData("ROLLBACK", null)]
    public void Names_are_read_as_the_server_reads_them(string sql, string? name) => Assert.Equal(name, Assert.Single(Read(sql)).Identifier);

    [Fact]
    public void A_name_is_cut_off_where_the_server_cuts_it_off()
    {
        Assert.Equal(new string('x', 63), Assert.Single(Read("LISTEN " + new string('x', 70))).Identifier);
        // 31 characters of two bytes each: the 63rd byte would be half of one.
        Assert.Equal(new string('é', 31), Assert.Single(Read($"LISTEN \"{new string('é', 40)}\"")).Identifier);
    }

    [Fact]
    public void Each_statement_of_a_text_is_told()
    {
        List<SessionStatement> all = Read("SET a = 1; UNLISTEN *; ; ROLLBACK TO s; SELECT 2; SET LOCAL b = 2");
        Assert.Equal([StatementKind.Set, StatementKind.Unlisten, StatementKind.Rollback, StatementKind.Select, StatementKind.Set], all.Select(statement => statement.Kind));
        Assert.True(all[1].IsForAll);
        Assert.True(all[2].IsToSavepoint);
        Assert.Equal((false, true), (all[0].IsLocal, all[4].IsLocal));
    }

    [Theory]
    [InlineData("SELECT pg_catalog.set_config('search_path', '', false);", "'search_path'", "''")]
    [InlineData("select SET_CONFIG ( 'a.b' , 'it''s' , FALSE )", "'a.b'", "'it''s'")]
    [InlineData("SELECT set_config('a.b', 'c', true)", null, null)]
    [InlineData("SELECT set_config('a.b', 'c', false), 1", null, null)]
    [InlineData("SELECT set_config('a.b', 'c', false) FROM t", null, null)]
    [InlineData("SELECT set_config('a.b', E'c', false)", null, null)]
    [InlineData("SELECT set_config('a.b', $1, false)", null, null)]
    [InlineData("SELECT x.set_config('a.b', 'c', false)", null, null)]
    [InlineData("SELECT set_config('a.b', 'c' 'd', false)", null, null)]
    [InlineData("SELECT set_config('a.b', 'c', false) WHERE false", null, null)]
    public void Only_the_plain_form_of_set_config_is_a_setting(string sql, string? name, string? value)
    {
        SessionStatement statement = Assert.Single(Read(sql));
        Assert.Equal(name is not null, statement.Form == SettingForm.SetConfig);
        if (name is not null) Assert.Equal((name, value), (sql[statement.Name], sql[statement.Value]));
    }

    private static List<SessionStatement> Read(string sql) => SessionStatement.ReadAll(Encoding.UTF8.GetBytes(sql));
}
