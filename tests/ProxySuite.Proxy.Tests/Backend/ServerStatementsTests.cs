using System.Text;
using ProxySuite.Proxy.Backend;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

public sealed class ServerStatementsTests
{
    private readonly ServerStatements _held = new();

    [Fact]
    public void A_statement_is_known_from_its_parse_until_it_is_taken_away()
    {
        SharedStatement statement = Make(1);
        Assert.False(_held.Touch(statement));
        Assert.Null(_held.Add(statement));
        Assert.True(_held.Touch(statement));
        _held.Remove(statement);
        Assert.False(_held.Touch(statement));
    }

    [Fact]
    public void Past_the_bound_the_least_recently_used_goes()
    {
        SharedStatement[] all = [.. Enumerable.Range(0, ServerStatements.StatementsMax + 2).Select(Make)];
        for (int i = 0; i < ServerStatements.StatementsMax; i++) Assert.Null(_held.Add(all[i]));
        Assert.True(_held.Touch(all[0]));
        Assert.Same(all[1], _held.Add(all[^2]));
        Assert.Same(all[2], _held.Add(all[^1]));
        Assert.Equal(ServerStatements.StatementsMax, _held.Count);
        Assert.True(_held.Touch(all[0]));
        Assert.False(_held.Touch(all[1]));
    }

    [Fact]
    public void A_statement_whose_close_was_skipped_is_still_there_and_the_next_to_go()
    {
        SharedStatement[] all = [.. Enumerable.Range(0, ServerStatements.StatementsMax + 2).Select(Make)];
        for (int i = 0; i < ServerStatements.StatementsMax; i++) _held.Add(all[i]);
        SharedStatement oldest = _held.Add(all[^2])!;
        _held.Remove(all[^2]);
        _held.Restore(oldest);
        Assert.True(_held.Count == ServerStatements.StatementsMax);
        Assert.Same(oldest, _held.Add(all[^1]));
    }

    [Fact]
    public void Clearing_forgets_the_unnamed_statement_too()
    {
        _held.Add(Make(1));
        _held.Unnamed = new UnnamedStatement(7, 1);
        _held.Clear();
        Assert.Equal(0, _held.Count);
        Assert.Equal(default, _held.Unnamed);
    }

    [Fact]
    public void Equal_contents_share_a_name_and_different_ones_do_not()
    {
        var catalog = new StatementCatalog();
        SharedStatement one = catalog.Intern("SELECT 1\0\0\0"u8, SessionSettings.None);
        Assert.Same(one, catalog.Intern("SELECT 1\0\0\0"u8, SessionSettings.None));
        SharedStatement typed = catalog.Intern("SELECT 1\0\0\u0001\0\0\0\u0017"u8, SessionSettings.None);
        Assert.NotEqual(one.ServerName, typed.ServerName);
    }

    [Fact]
    public void The_same_content_under_settings_that_parsing_reads_is_another_statement()
    {
        var catalog = new StatementCatalog();
        SessionSettings tokyo = SessionSettings.None.With("timezone", "'Asia/Tokyo'");
        SessionSettings named = SessionSettings.None.With("application_name", "'a'");
        SharedStatement plain = catalog.Intern("SELECT 1\0\0\0"u8, SessionSettings.None.ForParsing);
        Assert.NotSame(plain, catalog.Intern("SELECT 1\0\0\0"u8, tokyo.ForParsing));
        Assert.Same(plain, catalog.Intern("SELECT 1\0\0\0"u8, named.ForParsing));
        Assert.NotSame(plain, catalog.MakePrivate("SELECT 1\0\0\0"u8));
    }

    [Fact]
    public void A_full_catalog_starts_again_and_never_uses_a_name_twice()
    {
        var catalog = new StatementCatalog();
        var names = new HashSet<string>();
        for (int i = 0; i < 12_000; i++) Assert.True(names.Add(NameOf(catalog.Intern(Encoding.ASCII.GetBytes($"SELECT {i}\0\0\0"), SessionSettings.None))));
        Assert.True(names.Add(NameOf(catalog.Intern("SELECT 0\0\0\0"u8, SessionSettings.None))));
    }

    private static string NameOf(SharedStatement statement) => Encoding.ASCII.GetString(statement.ServerName);

    private static SharedStatement Make(int number) => new(number, [1], default, change: null);
}
