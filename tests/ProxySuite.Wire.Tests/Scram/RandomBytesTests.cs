using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Wire.Tests.Scram;

public sealed class RandomBytesTests
{
    [Fact]
    public async Task Nothing_is_handed_out_twice_whatever_thread_asks()
    {
        // 16 bytes: two equal ones among these come about once in 10^30 runs.
        byte[][][] drawn = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Enumerable.Range(0, 5000).Select(_ => RandomBytes.Get(16)).ToArray())));
        string[] all = [.. drawn.SelectMany(one => one).Select(Convert.ToHexString)];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(5000)]
    public void Any_length_is_filled(int length)
    {
        byte[] bytes = RandomBytes.Get(length);
        Assert.Equal(length, bytes.Length);
        // Of 256 and more bytes at least a hundred values are there, but for a chance of less than 10^-20.
        if (length >= 256) Assert.True(bytes.Distinct().Count() > 100);
    }
}
