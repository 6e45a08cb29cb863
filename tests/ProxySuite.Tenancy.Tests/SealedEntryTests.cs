using System.Collections;
using System.Collections.Frozen;
using System.Reflection;
using System.Text;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class SealedEntryTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    private static readonly MasterKey Key = MasterKey.FromBytes("0123456789abcdef0123456789abcdef"u8);

    private readonly SealedEntry _seal = new(Key);

    /// <summary>An entry in which nothing has its default, so that whatever is lost on the way shows.</summary>
    internal static TenantEntry Full(string slug = "acme", long version = 42)
    {
        TenantId id = TenantId.New();
        var shard = new Shard
        {
            Id = new ShardId(7), Name = "s7", Primary = [new ShardEndpoint("::1", 5433), new ShardEndpoint("/run/postgresql", 5432)], Replicas = [new ShardEndpoint("r", 1)],
            Database = "apps", Tls = TlsMode.VerifyFull, Region = "eu", TenantsMax = 3, ConnectionsMax = 4, Lockdown = Lockdown.Strict, Accepting = false,
            PreparedAt = Now.AddDays(-1), Version = 17,
        };
        var plan = new Plan
        {
            Name = "gold", StatementTimeout = TimeSpan.FromSeconds(31), WorkMemBytes = 1 << 20, Connections = 9, QueriesPerSecond = 10, Weight = 3, PoolMode = PoolMode.Session, PinsMax = 2, PinnedIdleTimeout = TimeSpan.FromMinutes(3),
            Burst = 11, ConnectionsPerSecond = 12, ConcurrentQueries = 13, QuerySecondsPerMinute = 14, BytesPerMinute = 1 << 24, ClientsMax = 15, ConnectionsMin = 4, Replication = true,
            Settings = PlanSettings.None.Add("lock_timeout", "1s").Add("app.x", "y"), Version = 18,
        };
        var tenant = new Tenant
        {
            Id = id, Slug = TenantSlug.Parse(slug), Plan = plan, Isolation = IsolationModel.Pool, Identity = TenantIdentity.Sealed, State = TenantState.Suspended,
            Placement = new Placement(shard.Id, 5, "apps", "public", PlacementState.Moving), SuspendReason = "unpaid", SuspendedUntil = Now.AddDays(2), DeleteAfter = Now.AddDays(3), DeletedFrom = TenantState.Suspended,
            AllowedAddresses = AddressList.Parse(["10.0.0.0/8", "2001:db8::/32"]), CredentialsEpoch = 6, CreatedAt = Now.AddDays(-9), Version = version,
            Users = new[]
            {
                new TenantUser("app", UserRole.Readonly, ScramVerifier.Create("one", 1), Now.AddDays(1)) { Previous = ScramVerifier.Create("two", 1), PreviousUntil = Now.AddHours(1) },
            }.ToFrozenDictionary(user => user.Name),
        };
        return new TenantEntry(tenant, shard);
    }

    [Fact]
    public void What_is_opened_is_what_was_sealed_in_every_property_of_the_model()
    {
        TenantEntry entry = Full();
        AssertSet(entry, "entry");
        Assert.Equal(SealState.Open, _seal.TryOpen(entry.Tenant.Slug, _seal.Seal(entry, Now), Now, Minute, out TenantEntry? opened));
        AssertSame(entry, opened, "entry");
        Assert.Equal(["app.x", "lock_timeout"], opened!.Tenant.Plan.Settings.Keys);
    }

    [Fact]
    public void No_verifier_can_be_read_in_a_sealed_entry()
    {
        TenantEntry entry = Full();
        string value = Encoding.Latin1.GetString(_seal.Seal(entry, Now));
        Assert.DoesNotContain("SCRAM", value, StringComparison.Ordinal);
        Assert.DoesNotContain("acme", value, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(((ScramVerifier)entry.Tenant.Users["app"].Verifier).StoredKey)[..20], value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_login_of_the_control_plane_is_not_shared()
    {
        TenantEntry entry = Full();
        Assert.Throws<NotSupportedException>(() => _seal.Seal(entry with { Shard = entry.Shard with { AdminDsn = DsnParser.Parse("postgres://a:b@c/d") } }, Now));
    }

    [Fact]
    public void A_change_of_any_byte_is_seen()
    {
        TenantEntry entry = Full();
        byte[] value = _seal.Seal(entry, Now);
        for (int i = 0; i < value.Length; i++)
        {
            byte[] changed = [.. value];
            changed[i] ^= 1;
            Assert.NotEqual(SealState.Open, _seal.TryOpen(entry.Tenant.Slug, changed, Now, Minute, out TenantEntry? opened));
            Assert.Null(opened);
        }
        for (int length = 0; length < value.Length; length++) Assert.NotEqual(SealState.Open, _seal.TryOpen(entry.Tenant.Slug, value[..length], Now, Minute, out _));
    }

    [Fact]
    public void An_entry_does_not_open_under_another_name_with_another_key_or_too_late()
    {
        TenantEntry entry = Full();
        byte[] value = _seal.Seal(entry, Now);
        Assert.Equal(SealState.Broken, _seal.TryOpen(TenantSlug.Parse("globex"), value, Now, Minute, out _));
        var other = new SealedEntry(MasterKey.FromBytes("0123456789abcdef0123456789abcdeF"u8));
        Assert.Equal(SealState.Broken, other.TryOpen(entry.Tenant.Slug, value, Now, Minute, out _));
        Assert.Equal(SealState.Foreign, _seal.TryOpen(entry.Tenant.Slug, value, Now.AddSeconds(61), Minute, out _));
        Assert.Equal(SealState.Foreign, _seal.TryOpen(entry.Tenant.Slug, value, Now.AddSeconds(-61), Minute, out _));
    }

    [Fact]
    public void A_later_state_has_a_higher_stamp()
    {
        TenantEntry entry = Full();
        EntryStamp stamp = EntryStamp.Of(entry);
        Assert.True(EntryStamp.Of(entry with { Tenant = entry.Tenant with { Version = 43, Plan = entry.Tenant.Plan with { Version = 2 } } }).CompareTo(stamp) > 0);
        Assert.True(EntryStamp.Of(entry with { Shard = entry.Shard with { Version = 44 } }).CompareTo(stamp) > 0);
        Assert.Equal(0, EntryStamp.Of(entry with { }).CompareTo(stamp));
    }

    private static void AssertSet(object? value, string path)
    {
        Assert.True(value is not null && !(value is IEnumerable many and not string && !many.GetEnumerator().MoveNext()), $"{path} is empty: give it a value in Full()");
        foreach (PropertyInfo property in OwnProperties(value!))
        {
            object? part = property.GetValue(value);
            if (part is bool or Enum || part is Dsn || property.PropertyType == typeof(Dsn)) continue;
            Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            Assert.True(part is not null && !(type.IsValueType && !type.IsGenericType && part.Equals(Activator.CreateInstance(type))), $"{path}.{property.Name} has its default: give it a value in Full()");
            AssertSet(part, $"{path}.{property.Name}");
        }
    }

    private static void AssertSame(object? expected, object? actual, string path)
    {
        if (expected is ScramVerifier verifier)
        {
            Assert.Equal(verifier.ToStoredForm(), ((ScramVerifier)actual!).ToStoredForm());
            return;
        }
        if (expected is IEnumerable items and not string)
        {
            object[] left = [.. items.Cast<object>()], right = [.. ((IEnumerable)actual!).Cast<object>()];
            Assert.Equal(left.Length, right.Length);
            for (int i = 0; i < left.Length; i++) AssertSame(left[i], right[i], $"{path}[{i}]");
            return;
        }
        PropertyInfo[] properties = expected is null ? [] : [.. OwnProperties(expected)];
        if (properties.Length == 0) Assert.True(Equals(expected, actual), $"{path} is {actual}, not {expected}");
        foreach (PropertyInfo property in properties) AssertSame(property.GetValue(expected), property.GetValue(actual), $"{path}.{property.Name}");
    }

    private static IEnumerable<PropertyInfo> OwnProperties(object value)
    {
        Type type = value.GetType();
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(KeyValuePair<,>)) return [type.GetProperty("Key")!, type.GetProperty("Value")!];
        if (type.Assembly != typeof(Tenant).Assembly || type.IsEnum || type == typeof(TenantSlug) || type == typeof(ShardEndpoint)) return [];
        return type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetIndexParameters().Length == 0 && property.CanWrite);
    }
}
