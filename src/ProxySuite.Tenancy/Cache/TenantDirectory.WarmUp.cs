using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Tenancy.Cache;

/// <summary>Tenants that are read before anybody asks for them: so the first logins after a start wait for nothing, and a registry that goes away soon after takes nobody along.</summary>
public sealed partial class TenantDirectory
{
    // Between two batches: the registry has others to answer as well.
    private static readonly TimeSpan WarmUpPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Reads served tenants until all are known or the bound is reached; tries again while the registry is away.</summary>
    private async Task WarmUpAsync(ITenantLister registry, CancellationToken cancellationToken)
    {
        int read = 0;
        TenantSlug? after = null;
        while (read < _options.WarmUpMax)
        {
            IReadOnlyList<TenantSlug> slugs = [];
            try
            {
                using CancellationTokenSource limit = LimitedBy(cancellationToken);
                slugs = await registry.ListServedAsync(after, ITenantRegistry.BatchMax, limit.Token);
                long askedAt = _time.GetTimestamp();
                if (slugs.Count > 0) read += LearnAhead(await _registry.FindTenantsAsync(slugs, limit.Token), askedAt);
            }
            catch (Exception failed) when (failed is RegistryUnavailableException || (failed is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                await Task.Delay(_options.RetryInterval, cancellationToken);
                continue;
            }
            catch (RegistryDataException)
            {
                // One of them cannot be understood: these are read when they are asked for.
            }
            if (slugs.Count < ITenantRegistry.BatchMax) break;
            after = slugs[^1];
            await Task.Delay(WarmUpPause, cancellationToken);
        }
        _logger.WarmedUp(read);
    }

    private int LearnAhead(IReadOnlyList<TenantEntry> entries, long askedAt)
    {
        int learnt = 0;
        lock (_writing)
        {
            foreach (TenantEntry entry in entries)
            {
                if (_slots.ContainsKey(entry.Tenant.Slug.Value)) continue;
                ForgetUnknown(entry.Tenant.Slug.Value);
                TenantEntry shared = ShareShard(entry);
                DirectorySlot slot = Insert(shared, FreshUntil(shared));
                slot.AskedAt = askedAt;
                // A change announced while this was on its way found nothing to mark: it is compared once more.
                slot.IsUnconfirmed = true;
                learnt++;
            }
        }
        return learnt;
    }
}
