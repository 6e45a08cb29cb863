using ProxySuite.Proxy.Backend;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

public sealed class SessionSettingsTests
{
    private static readonly SessionSettings A1B2 = SessionSettings.None.With("a", "1").With("b", "2");

    [Fact]
    public void Equal_settings_need_no_sql() => Assert.Equal("", A1B2.SqlFrom(SessionSettings.None.With("b", "2").With("a", "1")));

    [Fact]
    public void The_order_in_which_they_were_made_does_not_matter()
    {
        SessionSettings other = SessionSettings.None.With("b", "2").With("a", "1");
        Assert.Equal(A1B2, other);
        Assert.Equal(A1B2.GetHashCode(), other.GetHashCode());
    }

    [Fact]
    public void Only_what_differs_is_set_and_what_is_too_much_is_reset_first()
    {
        SessionSettings carried = SessionSettings.None.With("a", "1").With("c", "9");
        Assert.Equal("RESET \"c\";SET \"b\" = 2;", A1B2.SqlFrom(carried));
        Assert.Equal("RESET \"a\";RESET \"b\";", SessionSettings.None.SqlFrom(A1B2));
    }

    [Fact]
    public void Each_part_of_a_dotted_name_is_quoted() => Assert.Equal("SET \"app\".\"user\" = 'x';", SessionSettings.None.With("app.user", "'x'").SqlFrom(SessionSettings.None));

    [Fact]
    public void Taking_the_last_one_away_leaves_none() => Assert.Same(SessionSettings.None, SessionSettings.None.With("a", "1").With("a", null));

    [Theory]
    [InlineData("it's", "'it''s'")]
    [InlineData(@"a\b'", @"E'a\\b'''")]
    [InlineData("", "''")]
    public void A_literal_is_right_whatever_standard_conforming_strings_says(string value, string literal) => Assert.Equal(literal, Sql.Literal(value));

    [Fact]
    public void A_quote_in_an_identifier_is_doubled() => Assert.Equal("\"a\"\"b\"", Sql.Identifier("a\"b"));
}
