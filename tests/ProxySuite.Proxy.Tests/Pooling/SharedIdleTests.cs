using ProxySuite.Proxy.Pooling;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Proxy.Tests.Pooling;

public sealed class SharedIdleTests
{
    private readonly SharedIdle _idle = new();
    private readonly TenantId _acme = TenantId.New(), _globex = TenantId.New();

    [Fact]
    public void A_tenant_gets_its_own_before_what_is_nobodys_and_never_anothers()
    {
        SharedLease nobodys = Add(null), older = Add(_acme), others = Add(_globex), newer = Add(_acme);
        Assert.Same(newer, _idle.Take(_acme, newest: true));
        Assert.Same(older, _idle.Take(_acme, newest: true));
        Assert.Same(nobodys, _idle.Take(_acme, newest: true));
        Assert.Null(_idle.Take(_acme, newest: true));
        Assert.Same(others, _idle.Oldest);
        Assert.Equal(1, _idle.Count);
    }

    [Fact]
    public void The_oldest_of_all_is_taken_for_another_tenant_whosever_it_was()
    {
        SharedLease first = Add(_acme), second = Add(null), third = Add(_globex);
        Assert.Equal([first, second, third, null], [_idle.TakeOldest(), _idle.TakeOldest(), _idle.TakeOldest(), _idle.TakeOldest()]);
        Assert.Null(_idle.Take(_acme, newest: true));
    }

    [Fact]
    public void A_server_is_idle_once()
    {
        SharedLease lease = Add(_acme);
        Assert.Throws<InvalidOperationException>(() => _idle.Add(lease, _acme));
        Assert.True(_idle.Remove(lease));
        Assert.False(_idle.Remove(lease));
    }

    [Fact]
    public void Any_use_keeps_the_order_of_last_use_of_all_and_of_each_tenant()
    {
        var random = new Random(3);
        TenantId?[] tenants = [null, _acme, _globex, TenantId.New()];
        var model = new List<(SharedLease Lease, TenantId? Tenant)>();
        for (int i = 0; i < 50_000; i++)
        {
            switch (random.Next(model.Count == 0 ? 2 : 6))
            {
                case 0 or 1:
                    TenantId? owner = tenants[random.Next(tenants.Length)];
                    model.Add((Add(owner), owner));
                    break;
                case 2 or 3:
                    TenantId tenant = tenants[1 + random.Next(tenants.Length - 1)]!.Value;
                    bool newest = random.Next(2) == 0;
                    Func<Predicate<(SharedLease Lease, TenantId? Tenant)>, int> find = newest ? model.FindLastIndex : model.FindIndex;
                    int found = find(one => one.Tenant == tenant);
                    if (found < 0) found = find(static one => one.Tenant is null);
                    Assert.Same(found < 0 ? null : model[found].Lease, _idle.Take(tenant, newest));
                    if (found >= 0) model.RemoveAt(found);
                    break;
                case 4:
                    Assert.Same(model[0].Lease, _idle.TakeOldest());
                    model.RemoveAt(0);
                    break;
                default:
                    int at = random.Next(model.Count);
                    Assert.True(_idle.Remove(model[at].Lease));
                    model.RemoveAt(at);
                    break;
            }
            Assert.Equal(model.Count, _idle.Count);
            if (i % 50 == 0) Assert.Equal(model.Select(static one => one.Lease), Walk());
        }
    }

    [Fact]
    public void One_that_comes_back_as_another_tenants_is_found_by_that_one_alone()
    {
        SharedLease lease = Add(_acme);
        Assert.Same(lease, _idle.Take(_acme, newest: true));
        _idle.Add(lease, _globex);
        Assert.Null(_idle.Take(_acme, newest: true));
        Assert.Same(lease, _idle.Take(_globex, newest: true));
        _idle.Add(lease, null);
        Assert.Same(lease, _idle.Take(_acme, newest: true));
    }

    [Fact]
    public void Of_a_tenant_whose_servers_are_closed_or_anothers_nothing_is_left()
    {
        SharedLease first = Add(_acme), second = Add(_acme), third = Add(null);
        Assert.Equal(1, _idle.Rings);
        _idle.Remove(second);
        Assert.True(_idle.Forget(first));
        Assert.Equal(1, _idle.Rings);
        Assert.False(_idle.Forget(second));
        Assert.Equal(0, _idle.Rings);
        _idle.Remove(third);
        _idle.Add(third, _globex);
        Assert.Equal(1, _idle.Rings);
        _idle.Remove(third);
        _idle.Add(third, _acme);
        Assert.Equal(1, _idle.Rings);
        Assert.Same(third, _idle.Take(_acme, newest: false));
    }

    private SharedLease Add(TenantId? tenant)
    {
        // Only who it is matters here; a real server and its permit need a socket and a budget.
        var lease = new SharedLease(null!, null!);
        _idle.Add(lease, tenant);
        return lease;
    }

    private IEnumerable<SharedLease> Walk()
    {
        for (SharedLease? lease = _idle.Oldest; lease is not null; lease = lease.Newer) yield return lease;
    }
}
