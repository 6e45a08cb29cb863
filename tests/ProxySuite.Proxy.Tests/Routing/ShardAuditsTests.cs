using Microsoft.Extensions.Logging.Abstractions;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Routing;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Routing;

/// <summary>When logins to a shard are refused because of its audit, and what the metrics say.</summary>
public sealed class ShardAuditsTests
{
    private readonly AuditStats _stats = new();
    private Func<AuditSummary> _answer = () => default;

    [Theory]
    [InlineData(AuditAction.Refuse, 1, true)]
    [InlineData(AuditAction.Refuse, 0, false)]
    [InlineData(AuditAction.Warn, 1, false)]
    [InlineData(AuditAction.Off, 1, false)]
    public async Task Only_refuse_refuses_and_only_for_critical_findings(AuditAction action, int critical, bool refuses)
    {
        ShardAudits audits = Make(action);
        _answer = () => new AuditSummary(critical, 7, 7, 7);
        await audits.RoundAsync(CancellationToken.None);
        Assert.Equal(refuses, audits.Refuses(Shard.Id));
        Assert.Equal([("s1", true, new AuditSummary(critical, 7, 7, 7))], _stats.All);
    }

    [Fact]
    public async Task A_shard_that_was_never_audited_is_refused_and_one_that_does_not_answer_keeps_its_verdict()
    {
        ShardAudits audits = Make(AuditAction.Refuse);
        _answer = () => throw new RegistryUnavailableException("gone");
        await audits.RoundAsync(CancellationToken.None);
        Assert.True(audits.Refuses(Shard.Id));
        Assert.Equal([("s1", false, null)], _stats.All);

        _answer = () => default;
        await audits.RoundAsync(CancellationToken.None);
        Assert.False(audits.Refuses(Shard.Id));
        _answer = () => throw new RegistryUnavailableException("gone");
        await audits.RoundAsync(CancellationToken.None);
        Assert.False(audits.Refuses(Shard.Id));
        Assert.Equal([("s1", false, new AuditSummary())], _stats.All);

        _answer = () => new AuditSummary(1, 0, 0, 0);
        await audits.RoundAsync(CancellationToken.None);
        Assert.True(audits.Refuses(Shard.Id));
    }

    private static Shard Shard { get; } = new() { Id = new ShardId(1), Name = "s1", Primary = [new ShardEndpoint("127.0.0.1", 5432)], Database = "app" };

    private ShardAudits Make(AuditAction action)
    {
        var options = new CurrentOptions(new ProxyOptions { Isolation = new IsolationOptions { Audit = action } });
        return new ShardAudits(options, new OneShard(), (_, _) => Task.FromResult(_answer()), _stats, TimeProvider.System, NullLogger<ShardAudits>.Instance);
    }

    private sealed class OneShard : ITenantRegistry
    {
        private readonly MemoryRegistry _none = new();

        public Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken) => _none.FindTenantAsync(slug, cancellationToken);

        public Task<IReadOnlyList<TenantEntry>> FindTenantsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken) => _none.FindTenantsAsync(slugs, cancellationToken);

        public Task<IReadOnlyList<TenantVersions>> ReadVersionsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken) => _none.ReadVersionsAsync(slugs, cancellationToken);

        public Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken) => Task.FromResult<Shard?>(Shard);

        public Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Shard>>([Shard]);
    }
}
