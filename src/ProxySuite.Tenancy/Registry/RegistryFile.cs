using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Units;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Tenancy.Registry;

/// <summary>A registry file that cannot be used; the message lists every problem with its path.</summary>
public sealed class RegistryFileException(string path, IReadOnlyList<string> problems)
    : Exception($"registry file {path} is refused:{string.Concat(problems.Select(problem => $"{Environment.NewLine}  {problem}"))}")
{
    /// <value>Such as <c>Tenants[0].Plan: there is no plan "gold"</c>.</value>
    public IReadOnlyList<string> Problems { get; } = problems;
}

/// <summary>One reading of a registry file: all tenants with their shards.</summary>
/// <remarks>
/// <code>
/// { "Shards":  [ { "Name": "s1", "Hosts": ["10.0.0.5:5432"], "Database": "apps" } ],
///   "Plans":   [ { "Name": "gold", "StatementTimeout": "30s", "WorkMem": "16MB", "Connections": 10 } ],
///   "Tenants": [ { "Id": "0f8f…", "Slug": "acme", "Plan": "gold", "Shard": "s1",
///                  "Users": [ { "Name": "app", "Verifier": "SCRAM-SHA-256$…" } ] } ] }
/// </code>
/// The default plans need not be listed; one of the same name replaces them. Comments and trailing commas are allowed.
/// </remarks>
internal sealed class RegistryFile
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly List<string> _problems = [];
    private readonly FileVersions _versions;
    private readonly Dictionary<string, Shard> _shards = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Plan> _plans = PlanDefaults.All.ToDictionary(plan => plan.Name, StringComparer.Ordinal);
    private readonly Dictionary<TenantSlug, TenantEntry> _tenants = [];
    private readonly HashSet<TenantId> _ids = [];

    private RegistryFile(FileVersions versions) => _versions = versions;

    public FrozenDictionary<TenantSlug, TenantEntry> Tenants { get; private set; } = FrozenDictionary<TenantSlug, TenantEntry>.Empty;

    public ImmutableArray<Shard> Shards { get; private set; } = [];

    /// <param name="path">The file's, for messages.</param>
    /// <param name="json">Its content.</param>
    /// <param name="versions">What earlier readings of it were like.</param>
    /// <exception cref="RegistryFileException">Anything wrong; all that is wrong is listed.</exception>
    public static RegistryFile Parse(string path, string json, FileVersions versions)
    {
        var file = new RegistryFile(versions);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Lenient);
            file.Read(new JsonNode(document.RootElement, "", file._problems));
        }
        catch (JsonException malformed)
        {
            file._problems.Add($"line {malformed.LineNumber + 1}, byte {malformed.BytePositionInLine + 1}: not JSON");
        }
        if (file._problems.Count > 0) throw new RegistryFileException(path, file._problems);
        file.Tenants = file._tenants.ToFrozenDictionary();
        file.Shards = [.. file._shards.Values.OrderBy(shard => shard.Name, StringComparer.Ordinal)];
        return file;
    }

    private void Read(JsonNode root)
    {
        foreach (JsonNode shard in root.Items("Shards")) ReadShard(shard);
        foreach (JsonNode plan in root.Items("Plans")) ReadPlan(plan);
        foreach (JsonNode tenant in root.Items("Tenants")) ReadTenant(tenant);
        root.RefuseOthers();
    }

    private void ReadShard(JsonNode node)
    {
        string name = node.Required("Name");
        var shard = new Shard
        {
            Id = _versions.ShardIdOf(name),
            Name = name,
            Primary = ReadEndpoints(node, "Hosts"),
            Replicas = ReadEndpoints(node, "Replicas"),
            Database = node.Required("Database"),
            Tls = node.Parsed("Tls", EnumText.Parse<TlsMode>) ?? TlsMode.Prefer,
            Region = node.Optional("Region") ?? "",
            ConnectionsMax = node.Integer("ConnectionsMax") ?? 200,
            Lockdown = node.Parsed("Lockdown", EnumText.Parse<Lockdown>) ?? Lockdown.Relaxed,
            SealKid = node.Integer("SealKid") ?? 1,
            Version = _versions.Of("shard " + name, node.Text),
        };
        node.RefuseOthers();
        if (shard.Primary.IsEmpty) node.Problem("Hosts", "must name at least one host");
        if (shard.SealKid < 1) node.Problem("SealKid", "must be at least 1");
        if (shard.ConnectionsMax is < 1 or > 100_000) node.Problem("ConnectionsMax", "must be 1 to 100000");
        if (!_shards.TryAdd(name, shard)) node.Problem("Name", $"there are two shards \"{name}\"");
    }

    private void ReadPlan(JsonNode node)
    {
        Plan plan = ReadLimits(node, isPlan: true).AsPlan(node.Required("Name"));
        node.RefuseOthers();
        if (plan.WhyRefused() is { } reason) node.Problem(null, reason);
        _plans[plan.Name] = plan with { Version = _versions.Of("plan " + plan.Name, node.Text) };
    }

    private void ReadTenant(JsonNode node)
    {
        TenantSlug slug = node.RequiredParsed("Slug", TenantSlug.Parse);
        TenantId id = node.RequiredParsed("Id", text => TenantId.TryParse(text, out TenantId read) ? read : throw new FormatException($"\"{text}\" is no UUID"));
        IsolationModel isolation = node.Parsed("Isolation", EnumText.Parse<IsolationModel>) ?? IsolationModel.Schema;
        TenantIdentity identity = node.Parsed("Identity", EnumText.Parse<TenantIdentity>) ?? TenantIdentity.Role;
        Shard? shard = Named(node, "Shard", _shards);
        Plan? plan = Named(node, "Plan", _plans);
        FrozenDictionary<string, TenantUser> users = ReadUsers(node, isolation);
        PlanOverrides overrides = ReadOverrides(node);
        int credentialsEpoch = node.Integer("CredentialsEpoch") ?? 1;
        bool suspended = node.Flag("Suspended") ?? false;
        AddressList allowed = ReadAllowedAddresses(node);
        node.RefuseOthers();
        if (credentialsEpoch < 1) node.Problem("CredentialsEpoch", "must be at least 1");
        if (identity == TenantIdentity.Sealed && isolation != IsolationModel.Pool) node.Problem("Identity", "sealed needs Isolation pool");
        if (identity == TenantIdentity.Sealed && shard is { Lockdown: Lockdown.Relaxed }) node.Problem("Identity", "sealed needs a shard with Lockdown strict");
        // What could not be read has said so already.
        if (shard is null || plan is null || slug.Value.Length == 0 || id == default) return;

        var tenant = new Tenant
        {
            Id = id,
            Slug = slug,
            Plan = overrides.Apply(plan),
            Isolation = isolation,
            Identity = identity,
            Placement = new Placement(shard.Id, Epoch: _versions.EpochOf(id, shard.Name, isolation),
                BackendNames.DatabaseFor(id, isolation, shard.Database), BackendNames.SchemaFor(id, isolation), PlacementState.Active),
            State = suspended ? TenantState.Suspended : TenantState.Active,
            CredentialsEpoch = credentialsEpoch,
            Users = users,
            AllowedAddresses = allowed,
            Version = _versions.Of("tenant " + slug, node.Text),
        };
        if (!_tenants.TryAdd(slug, new TenantEntry(tenant, shard))) node.Problem("Slug", $"there are two tenants \"{slug}\"");
        if (!_ids.Add(id)) node.Problem("Id", "another tenant has it");
    }

    private static FrozenDictionary<string, TenantUser> ReadUsers(JsonNode tenant, IsolationModel isolation)
    {
        var users = new Dictionary<string, TenantUser>(StringComparer.Ordinal);
        foreach (JsonNode node in tenant.Items("Users"))
        {
            string name = node.Required("Name");
            UserRole role = node.Parsed("Role", EnumText.Parse<UserRole>) ?? UserRole.App;
            PasswordVerifier? verifier = node.RequiredParsed("Verifier", PasswordVerifier.ReadStored);
            DateTimeOffset? validUntil = node.Parsed("ValidUntil", ParseTime);
            PasswordVerifier? previous = node.Optional("PreviousVerifier") is null ? null : node.RequiredParsed("PreviousVerifier", PasswordVerifier.ReadStored);
            DateTimeOffset? previousUntil = node.Parsed("PreviousUntil", ParseTime);
            node.RefuseOthers();
            if ((previous is null) != (previousUntil is null)) node.Problem("PreviousVerifier", "goes with PreviousUntil");
            // A login names them before it is known which of the two passwords follows.
            if (previous is not null && (previous is not ScramVerifier old || verifier is not ScramVerifier now || old.Iterations != now.Iterations || !old.Salt.SequenceEqual(now.Salt)))
                node.Problem("PreviousVerifier", "must be a SCRAM verifier with the salt and rounds of Verifier");
            if (System.Text.Encoding.UTF8.GetByteCount(name) > 63) node.Problem("Name", "must have at most 63 bytes");
            if (role == UserRole.Owner && isolation == IsolationModel.Pool) node.Problem("Role", "owner is not possible in the pool model");
            if (verifier is not null && !users.TryAdd(name, new TenantUser(name, role, verifier, validUntil) { Previous = previous, PreviousUntil = previousUntil })) node.Problem("Name", $"there are two users \"{name}\"");
        }
        return users.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static AddressList ReadAllowedAddresses(JsonNode node)
    {
        try
        {
            return AddressList.Parse(node.Texts("AllowedAddresses"));
        }
        catch (FormatException refused)
        {
            node.Problem("AllowedAddresses", refused.Message);
            return AddressList.Any;
        }
    }

    private static PlanOverrides ReadOverrides(JsonNode tenant)
    {
        if (tenant.Child("Overrides") is not { } node) return PlanOverrides.None;
        PlanOverrides overrides = ReadLimits(node, isPlan: false);
        node.RefuseOthers();
        if (overrides.WhyRefused() is { } reason) node.Problem(null, reason);
        return overrides;
    }

    private static PlanOverrides ReadLimits(JsonNode node, bool isPlan) => new()
    {
        StatementTimeout = isPlan ? node.RequiredParsed("StatementTimeout", Duration.Parse) : node.Parsed("StatementTimeout", Duration.Parse),
        WorkMemBytes = isPlan ? node.RequiredParsed("WorkMem", ByteSize.Parse) : node.Parsed("WorkMem", ByteSize.Parse),
        Connections = node.Integer("Connections"),
        QueriesPerSecond = node.Integer("QueriesPerSecond"),
        Burst = node.Integer("Burst"),
        ConnectionsPerSecond = node.Integer("ConnectionsPerSecond"),
        ConcurrentQueries = node.Integer("ConcurrentQueries"),
        QuerySecondsPerMinute = node.Integer("QuerySecondsPerMinute"),
        BytesPerMinute = node.Parsed("BytesPerMinute", ByteSize.Parse),
        ClientsMax = node.Integer("ClientsMax"),
        Weight = node.Integer("Weight"),
        ConnectionsMin = node.Integer("ConnectionsMin"),
        Replication = node.Flag("Replication"),
        PoolMode = node.Parsed("PoolMode", EnumText.Parse<PoolMode>),
        PinsMax = node.Integer("PinsMax"),
        PinnedIdleTimeout = node.Parsed("PinnedIdleTimeout", Duration.Parse),
        Settings = PlanSettings.None.SetItems(node.Map("Settings")),
    };

    private static ImmutableArray<ShardEndpoint> ReadEndpoints(JsonNode node, string name)
    {
        var endpoints = ImmutableArray.CreateBuilder<ShardEndpoint>();
        foreach (string text in node.Texts(name))
        {
            try
            {
                endpoints.Add(ShardEndpoint.Parse(text));
            }
            catch (FormatException refused)
            {
                node.Problem(name, refused.Message);
            }
        }
        return endpoints.DrainToImmutable();
    }

    private static T? Named<T>(JsonNode node, string member, Dictionary<string, T> known) where T : class
    {
        string name = node.Required(member);
        if (name.Length == 0) return null;
        if (known.TryGetValue(name, out T? found)) return found;
        node.Problem(member, $"there is no {member.ToLowerInvariant()} \"{name}\"");
        return null;
    }

    private static DateTimeOffset ParseTime(string text)
        => DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time
            : throw new FormatException($"\"{text}\" is no time; write for example 2030-12-31T00:00:00Z");
}

/// <summary>What the readings of one file have in common: versions that rise when a part's text changes, and numbers that stay with a name.</summary>
internal sealed class FileVersions
{
    private readonly Dictionary<string, (string Text, long Version)> _parts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ShardId> _shardIds = new(StringComparer.Ordinal);
    private readonly Dictionary<TenantId, (string Place, long Epoch)> _epochs = [];
    private long _last;

    public long Of(string part, string text)
    {
        if (!_parts.TryGetValue(part, out (string Text, long Version) known) || known.Text != text) _parts[part] = known = (text, ++_last);
        return known.Version;
    }

    public ShardId ShardIdOf(string name)
    {
        if (!_shardIds.TryGetValue(name, out ShardId id)) _shardIds[name] = id = new ShardId(_shardIds.Count + 1);
        return id;
    }

    public long EpochOf(TenantId tenant, string shard, IsolationModel isolation)
    {
        string place = $"{shard} {isolation}";
        if (!_epochs.TryGetValue(tenant, out (string Place, long Epoch) known)) _epochs[tenant] = known = (place, 1);
        else if (known.Place != place) _epochs[tenant] = known = (place, known.Epoch + 1);
        return known.Epoch;
    }
}
