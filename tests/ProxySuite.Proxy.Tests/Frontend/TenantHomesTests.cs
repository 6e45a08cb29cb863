using ProxySuite.Proxy.Frontend;
using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

/// <summary>Tenants come to be spread over the reactors, whoever made their ids and how.</summary>
public sealed class TenantHomesTests
{
    private const int Tenants = 4000;

    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (string kind in new[] { "random", "ordered by time", "counted up", "counted up in front", "counted up in steps" })
        {
            foreach (int reactors in new[] { 2, 3, 8, 16 }) cases.Add(kind, reactors);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_reactor_is_home_to_its_part(string kind, int reactors)
    {
        var random = new Random(1);
        var homes = new int[reactors];
        for (int number = 1; number <= Tenants; number++) homes[TenantHomes.HomeOf(Make(kind, number, random), reactors)]++;
        int part = Tenants / reactors;
        Assert.All(homes, count => Assert.InRange(count, part * 2 / 3, part * 4 / 3));
    }

    private static TenantId Make(string kind, int number, Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new TenantId(kind switch
        {
            "random" => new Guid(bytes),
            "ordered by time" => Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddMilliseconds(number)),
            "counted up" => Guid.Parse($"74000000-0000-4000-8000-{number:x12}"),
            "counted up in front" => Guid.Parse($"{number:x8}-0000-4000-8000-000000000000"),
            _ => Guid.Parse($"74000000-0000-4000-8000-{number * 256:x12}"),
        });
    }
}
