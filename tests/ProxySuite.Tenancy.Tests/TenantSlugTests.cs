using System.Text;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class TenantSlugTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("0")]
    [InlineData("acme")]
    [InlineData("acme-inc_2")]
    [InlineData("a--_")]
    [InlineData("a12345678901234567890123456789012345678901234567890123456789012")]
    public void Lower_case_letters_digits_hyphen_and_underscore_make_a_slug(string text)
    {
        Assert.Equal(text, TenantSlug.Parse(text).Value);
        Assert.True(TenantSlug.TryParse(Encoding.UTF8.GetBytes(text), out TenantSlug fromBytes));
        Assert.Equal(TenantSlug.Parse(text), fromBytes);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("Acme", "lower-case")]
    [InlineData("-acme", "comes first")]
    [InlineData("_acme", "comes first")]
    [InlineData("ac me", "allowed")]
    [InlineData("acme\n", "allowed")]
    [InlineData("acme\0x", "allowed")]
    [InlineData("äcme", "allowed")]
    [InlineData("acme.inc", "allowed")]
    [InlineData("a123456789012345678901234567890123456789012345678901234567890123", "at most 63")]
    [InlineData("pgbouncer", "reserved")]
    [InlineData("proxysuite", "reserved")]
    [InlineData("postgres", "reserved")]
    [InlineData("template0", "reserved")]
    [InlineData("template1", "reserved")]
    public void Anything_else_is_refused_with_the_reason(string text, string reason)
    {
        Assert.Contains(reason, Assert.Throws<FormatException>(() => TenantSlug.Parse(text)).Message, StringComparison.Ordinal);
        Assert.False(TenantSlug.TryParse(text, out _));
        Assert.False(TenantSlug.TryParse(Encoding.UTF8.GetBytes(text), out _));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        for (int length = 0; length < 300; length++)
        {
            var bytes = new byte[length];
            Array.Fill(bytes, (byte)0xFF);
            Assert.False(TenantSlug.TryParse(bytes, out _));
        }
    }

    [Fact]
    public void Text_and_bytes_agree_on_every_single_byte()
    {
        for (int value = 0; value < 256; value++)
        {
            foreach (byte[] bytes in new byte[][] { [(byte)value], [(byte)'a', (byte)value] })
            {
                Assert.Equal(TenantSlug.TryParse(Encoding.Latin1.GetString(bytes), out _), TenantSlug.TryParse(bytes, out _));
            }
        }
    }

    [Fact]
    public void The_default_value_names_nobody() => Assert.Equal("", default(TenantSlug).Value);
}
