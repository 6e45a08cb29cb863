using System.Text;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Wire.Tests.Scram;

public sealed class SaslPrepTests
{
    [Theory]
    [InlineData("pencil", "pencil")]
    [InlineData("\u00aa", "a")]                          // RFC 4013 §3
    [InlineData("\u2168", "IX")]                         // RFC 4013 §3
    [InlineData("I\u00adX", "IX")]                       // RFC 4013 §3
    [InlineData("a\u00a0b\u3000c\u200bd", "a b c d")]
    [InlineData("\ufb01ne", "fine")]
    [InlineData("e\u0301", "\u00e9")]
    [InlineData("a\u0301\u0327", "\u00e1\u0327")]
    [InlineData("\u1112\u1161\u11ab", "\ud55c")]
    [InlineData("a\u0305\u0301", "a\u0305\u0301")]       // the accent is cut off from its letter by a mark of its own class
    [InlineData("\uac00\u11a8", "\uac01")]
    [InlineData("\uac01\u11a8", "\uac01\u11a8")]         // a syllable takes one final consonant
    [InlineData("\u0958", "\u0915\u093c")]               // excluded from composition
    [InlineData("\U0001d400", "A")]
    public void A_password_takes_its_compatible_composed_form(string password, string prepared)
        => Assert.Equal(prepared, Prepare(password));

    [Theory]
    [InlineData("\u00e9\u0007")]                         // a control character
    [InlineData("\u0221")]                               // unassigned in Unicode 3.2
    [InlineData("\U0001f600")]                           // likewise
    [InlineData("\ue000")]                               // private use
    [InlineData("\u06271")]                              // RFC 4013 §3: begins right to left, does not end so
    [InlineData("\u0627a\u0627")]                        // both directions
    [InlineData("\u00ad")]                               // nothing is left of it
    public void A_password_the_profile_forbids_is_used_as_it_is(string password) => Assert.Equal(password, Prepare(password));

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_used_as_they_are()
    {
        byte[] latin1 = [(byte)'c', (byte)'a', (byte)'f', 0xe9];
        Assert.Equal(latin1, SaslPrep.Prepare(latin1));
    }

    private static string Prepare(string password) => Encoding.UTF8.GetString(SaslPrep.Prepare(Encoding.UTF8.GetBytes(password)));
}
