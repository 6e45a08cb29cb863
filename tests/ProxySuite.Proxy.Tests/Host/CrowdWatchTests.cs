using ProxySuite.Host;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

/// <summary>When memory is given back: once a crowd, and not while it is still coming.</summary>
public sealed class CrowdWatchTests
{
    private const long Login = 3000; // bytes

    private readonly CrowdWatch _watch = new(0);
    private long _allocated;

    [Fact]
    public void A_crowd_that_has_logged_in_counts_once_and_when_nobody_comes_any_more()
    {
        Assert.Equal([false, false, true, false], [Look(2500, logins: 2500), Look(5000, logins: 2500), Look(5000), Look(5000)]);
    }

    [Fact]
    public void Nobody_is_stopped_while_queries_are_under_way()
    {
        Look(5000, logins: 5000);
        Assert.Equal([false, false, true], [Look(5000, isQuiet: false), Look(5000, isQuiet: false), Look(5000)]);
    }

    [Fact]
    public void A_crowd_that_came_and_left_while_queries_were_under_way_is_remembered()
    {
        Look(800, logins: 800);
        Assert.Equal([false, false, true], [Look(800, isQuiet: false), Look(10, isQuiet: false), Look(10)]);
    }

    [Fact]
    public void A_few_more_do_not_count_until_they_are_half_as_many_again()
    {
        Look(5000, logins: 5000);
        Assert.True(Look(5000));
        Assert.Equal([false, false, true], [Look(5100, logins: 100), Look(7400, logins: 100), Look(7500, logins: 100)]);
    }

    [Fact]
    public void A_crowd_that_has_left_counts_once()
    {
        Look(1000, logins: 1000);
        Assert.True(Look(1000));
        Assert.Equal([false, true, false], [Look(600), Look(500), Look(400)]);
    }

    [Fact]
    public void Clients_that_come_and_go_between_two_looks_count_by_what_they_allocate()
    {
        int looks = 1;
        while (!Look(10, logins: 100)) looks++;
        Assert.InRange(looks * 100 * Login, 16 << 20, 17 << 20);
    }

    [Fact]
    public void Fewer_than_a_crowd_never_count()
    {
        Assert.DoesNotContain(true, Enumerable.Range(0, 50).Select(look => Look(look % 2 * 499)));
    }

    /// <summary>A look; logins keep a proxy from being quiet.</summary>
    private bool Look(long clients, int logins = 0, bool isQuiet = true) => _watch.IsOver(clients, _allocated += logins * Login, isQuiet && logins < 500);
}
