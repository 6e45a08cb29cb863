using ProxySuite.Proxy.Admin;
using Xunit;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>Commands as people and tools write them.</summary>
public sealed class AdminTextTests
{
    [Theory]
    [InlineData("SHOW POOLS", "SHOW POOLS")]
    [InlineData("  show\n\tpools ; ", "show POOLS|show pools")]
    [InlineData("", "")]
    [InlineData(";;", "")]
    [InlineData("-- nothing\n", "")]
    [InlineData("/* SHOW */ SHOW /* x */ LISTS -- y", "SHOW LISTS")]
    [InlineData("/* never ends", "")]
    [InlineData("KILL \"two-words\"; KILL 'a''b'", "KILL two-words;KILL a'b")]
    [InlineData("KILL 1st-tenant", "KILL 1st-tenant")]
    [InlineData("SET a=b", "SET a = b")]
    [InlineData("KILL \"open", "KILL open")]
    public void Text_becomes_statements_of_tokens(string text, string expected)
    {
        string read = string.Join(';', AdminText.Split(text).Select(statement => string.Join(' ', statement.Select(token => token.Text))));
        Assert.Contains(read, expected.Split('|'));
    }

    [Fact]
    public void A_quoted_word_is_no_keyword()
    {
        AdminText.Token quoted = Assert.Single(Assert.Single(AdminText.Split("\"SHOW\"")));
        Assert.False(quoted.Is("show"));
        Assert.True(Assert.Single(Assert.Single(AdminText.Split("SHOW"))).Is("show"));
    }

    [Fact]
    public void Any_text_is_read_to_its_end()
    {
        var random = new Random(7);
        const string Letters = "SHOW pools;'\"-/*= \n\t,.$é";
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => Letters[random.Next(Letters.Length)]));
            Assert.All(AdminText.Split(text), Assert.NotEmpty);
        }
    }
}
