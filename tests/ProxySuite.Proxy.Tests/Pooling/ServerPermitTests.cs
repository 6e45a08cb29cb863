using ProxySuite.Proxy.Pooling;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

public sealed class ServerPermitTests
{
    [Fact]
    public void A_permit_goes_back_to_both_budgets_once()
    {
        var tenant = new TenantBudget { Total = 2 };
        var shard = new ShardBudget(5);
        shard.TryTake(new Nobody());
        tenant.Take();
        var permit = new ServerPermit(tenant, shard);
        Assert.Equal((1, 1, 1), (tenant.Free, tenant.Leased, shard.Leased));
        permit.Dispose();
        Assert.Equal((2, 0, 0), (tenant.Free, tenant.Leased, shard.Leased));
        Assert.Throws<InvalidOperationException>(permit.Dispose);
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
        public int IdleHint => 0;

        public void OnShardPlace()
        {
        }

        public void OnEvictionWanted()
        {
        }
    }
}
