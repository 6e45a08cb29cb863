using FsCheck;
using FsCheck.Fluent;
using ProxySuite.Proxy.Limits;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

public sealed class SharesTests
{
    [Fact]
    public void One_proxy_alone_has_the_whole()
    {
        Assert.Equal(1, Shares.Of(100, 0, []), 6);
        Assert.Equal(1, Shares.Of(100, 1e9, []), 6);
    }

    [Fact]
    public void Whoever_wants_little_gets_it_and_the_rest_is_the_others()
    {
        // 10 a second and a tenth more, and a hundredth and a half of the limit for a start.
        Assert.Equal(0.125, Shares.Of(100, 10, [500]), 6);
        Assert.Equal(0.875, Shares.Of(100, 500, [10]), 6);
        Assert.Equal(0.5, Shares.Of(100, 300, [200]), 6);
    }

    [Fact]
    public void What_nobody_wants_is_divided_evenly()
    {
        Assert.Equal(0.5, Shares.Of(100, 0, [0]), 6);
        Assert.Equal(0.5 + 0.11, Shares.Of(100, 30, [10]), 6);
    }

    [Fact]
    public void The_parts_of_all_proxies_add_up_to_the_limit_and_none_is_nothing()
    {
        Gen<(int Limit, int[] Wants)> cases = from limit in Gen.Choose(1, 10_000)
                                              from count in Gen.Choose(1, 70)
                                              from wants in Gen.Choose(0, 20_000).ArrayOf(count)
                                              select (limit, wants);
        Prop.ForAll(cases.ToArbitrary(), each =>
        {
            double total = 0;
            for (int self = 0; self < each.Wants.Length; self++)
            {
                double[] others = [.. each.Wants.Where((_, index) => index != self).Select(want => (double)want)];
                double part = Shares.Of(each.Limit, each.Wants[self], others);
                Assert.True(part > 0.02 / each.Wants.Length);
                // Max-min: who gets less than it wants gets no less than an even part.
                if (part * each.Limit < each.Wants[self]) Assert.True(part >= (1.0 / each.Wants.Length) - 1e-9);
                total += part;
            }
            Assert.Equal(1, total, 6);
        }).QuickCheckThrowOnFailure();
    }
}
