using System.Globalization;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>
/// What other proxies say about a tenant that this one does not know. It is served at once and compared with the registry within a second, in batches; it never takes
/// the place of what is known here, and is not believed where something newer was announced.
/// </summary>
public sealed partial class TenantDirectory
{
    private const int AnnouncedMax = 20_000;

    // The latest version announced of a tenant, plan or shard, by "kind name", for as long as an entry from before may be shared. Under the writing lock.
    private readonly Dictionary<string, (long Version, long Until)> _announced = [];
    private long _sharedRefusedUntil;

    private async Task<TenantEntry?> FindSharedAsync(ISharedTenantCache shared, TenantSlug slug, PendingLookup pending, CancellationToken cancellationToken)
    {
        // What is known here and merely old is for the registry to renew.
        if (_slots.ContainsKey(slug.Value)) return null;
        pending.IsOvertaken = false;
        TenantEntry? entry = await shared.FindAsync(slug, cancellationToken);
        if (entry is null) return null;
        lock (_writing)
        {
            if (pending.IsOvertaken || _slots.ContainsKey(slug.Value) || !IsBelievable(entry)) return null;
            entry = ShareShard(entry);
            // Asked for at no time: whatever the registry answers counts more.
            DirectorySlot slot = Insert(entry, FreshUntil(entry));
            slot.AskedAt = long.MinValue;
            slot.IsUnconfirmed = true;
        }
        Counters.CountShared();
        return entry;
    }

    // Under the writing lock.
    private bool IsBelievable(TenantEntry entry)
        => _time.GetTimestamp() >= _sharedRefusedUntil
            && IsNotBefore(InvalidationKind.Tenant, entry.Tenant.Slug.Value, entry.Tenant.Version)
            && IsNotBefore(InvalidationKind.Plan, entry.Tenant.Plan.Name, entry.Tenant.Plan.Version)
            && IsNotBefore(InvalidationKind.Shard, entry.Shard.Id.Value.ToString(CultureInfo.InvariantCulture), entry.Shard.Version);

    private bool IsNotBefore(InvalidationKind kind, string name, long version)
        => !_announced.TryGetValue(Key(kind, name), out (long Version, long Until) announced) || version >= announced.Version;

    // Under the writing lock.
    private void NoteAnnounced(Invalidation change)
    {
        if (_shared is null) return;
        long now = _time.GetTimestamp();
        // Twice the time to live: proxies' clocks may differ.
        long until = Later(_options.TimeToLive * 2);
        if (_announced.Count >= AnnouncedMax)
        {
            foreach (string old in _announced.Where(announced => announced.Value.Until < now).Select(announced => announced.Key).ToList()) _announced.Remove(old);
            if (_announced.Count >= AnnouncedMax)
            {
                // More changes than can be remembered: for a while only the registry is believed.
                _announced.Clear();
                _sharedRefusedUntil = until;
            }
        }
        string key = Key(change.Kind, change.Name);
        if (!_announced.TryGetValue(key, out (long Version, long Until) known) || known.Version < change.Version || known.Until < now) _announced[key] = (change.Version, until);
    }

    private static string Key(InvalidationKind kind, string name) => $"{(int)kind} {name}";
}
