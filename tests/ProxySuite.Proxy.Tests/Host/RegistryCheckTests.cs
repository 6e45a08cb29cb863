using ProxySuite.Host;
using ProxySuite.Tenancy.Registry;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

public sealed class RegistryCheckTests
{
    [Theory]
    [InlineData(3, 3, null)]
    [InlineData(0, 3, "has no schema \"system\"; run: proxyctl init")]
    [InlineData(2, 3, "has version 2, and this proxyd needs 3; run: proxyctl init")]
    [InlineData(4, 3, "has version 4, made by a newer program, and this proxyd knows 3; update proxyd")]
    public void A_proxy_runs_on_the_registry_it_was_made_for(int found, int needed, string? reason)
        => Assert.Equal(reason, RegistryCheck.WhyNot(new RegistryVersion(found, needed)));
}
