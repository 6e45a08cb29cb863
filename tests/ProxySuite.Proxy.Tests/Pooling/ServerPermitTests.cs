using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Pooling.Scheduling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

public sealed class ServerPermitTests
{
    [Fact]
    public void A_permit_goes_back_to_both_budgets_once()
    {
        var tenant = new TenantBudget { Total = 2 };
        using var shard = new ShardBudget(5);
        Assert.True(shard.TryTake(new ShardAccount(new Nobody()), out ShardPlace? place));
        var permit = new ServerPermit(tenant, place);
        Assert.Equal((1, 1, 1), (tenant.Free, tenant.Leased, shard.Leased));
        permit.Dispose();
        Assert.Equal((2, 0, 0), (tenant.Free, tenant.Leased, shard.Leased));
        Assert.Throws<InvalidOperationException>(permit.Dispose);
        Assert.Throws<InvalidOperationException>(() => permit.Failed(isShardsFault: true));
        Assert.Equal((2, 0, 0), (tenant.Free, tenant.Leased, shard.Leased));
    }

    [Fact]
    public void A_budget_that_is_lowered_below_what_is_out_has_nothing_free()
    {
        var tenant = new TenantBudget { Total = 3 };
        for (int i = 0; i < 3; i++) tenant.Take();
        tenant.Total = 1;
        Assert.Equal(0, tenant.Free);
    }

    private sealed class Nobody : IShardClaimant
    {
        public int Weight => 1;

        public int Minimum => 0;

        public long Served => 0;

        public void OnShardPlace(ShardPlace place) => place.Dispose();

        public void OnEvictionWanted()
        {
        }
    }
}
