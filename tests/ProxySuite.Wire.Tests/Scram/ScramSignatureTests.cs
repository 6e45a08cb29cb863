using System.Security.Cryptography;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Wire.Tests.Scram;

public sealed class ScramSignatureTests
{
    [Fact] // RFC 4231, test case 2
    public void The_published_example_holds()
    {
        byte[] hmac = new byte[32];
        ScramSignature.Hmac("Jefe"u8, "what do ya want for nothing?"u8, hmac);
        Assert.Equal("5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843", Convert.ToHexString(hmac));
    }

    [Fact]
    public void It_is_the_platforms_HMAC_for_keys_and_messages_of_any_length()
    {
        byte[] hmac = new byte[32];
        for (int length = 0; length < 700; length++)
        {
            byte[] key = RandomNumberGenerator.GetBytes(length % 65), message = RandomNumberGenerator.GetBytes(length);
            ScramSignature.Hmac(key, message, hmac);
            Assert.Equal(HMACSHA256.HashData(key, message), hmac);
        }
    }

    [Fact]
    public void A_key_longer_than_a_block_is_refused()
        => Assert.Throws<ArgumentOutOfRangeException>(() => ScramSignature.Hmac(new byte[65], [], new byte[32]));
}
