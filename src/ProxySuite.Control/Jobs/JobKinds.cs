using System.Text.Json;
using ProxySuite.Control.Plans;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Shards;
using ProxySuite.Control.Tenants;
using ProxySuite.Control.Users;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Control.Jobs;

/// <summary>What kinds of jobs there are, and how each is written in the registry.</summary>
internal static class JobKinds
{
    private static readonly JsonSerializerOptions Options = new(ControlPlane.JsonOptions)
    {
        Converters = { new SlugConverter() },
        PropertyNameCaseInsensitive = true,
    };

    private static readonly Dictionary<string, Type> Types = new(StringComparer.Ordinal)
    {
        ["tenant.create"] = typeof(CreateTenant),
        ["tenant.suspend"] = typeof(SuspendTenant),
        ["tenant.resume"] = typeof(ResumeTenant),
        ["tenant.resume-due"] = typeof(ResumeDue),
        ["tenant.delete"] = typeof(DeleteTenant),
        ["tenant.undelete"] = typeof(UndeleteTenant),
        ["tenant.purge"] = typeof(PurgeTenant),
        ["tenant.purge-due"] = typeof(PurgeDue),
        ["tenant.rename"] = typeof(RenameTenant),
        ["tenant.set-plan"] = typeof(SetTenantPlan),
        ["tenant.set"] = typeof(SetTenantOverrides),
        ["tenant.add-user"] = typeof(AddUser),
        ["tenant.allow"] = typeof(AllowAddresses),
        ["tenant.set-user"] = typeof(SetUser),
        ["tenant.end-sessions"] = typeof(EndSessions),
        ["tenant.drop-user"] = typeof(DropUser),
        ["tenant.rotate-password"] = typeof(RotatePassword),
        ["plan.set"] = typeof(SetPlan),
        ["shard.add"] = typeof(AddShard),
        ["shard.set"] = typeof(SetShard),
        ["shard.drain"] = typeof(DrainShard),
        ["shard.prepare"] = typeof(PrepareShard),
        ["shard.remove"] = typeof(RemoveShard),
        ["shard.protect"] = typeof(ProtectShard),
        ["shard.repair"] = typeof(RepairShard),
        ["shard.rotate-seal"] = typeof(RotateSeal),
    };

    /// <summary>Every kind there is.</summary>
    public static IReadOnlyCollection<string> All => Types.Keys;

    public static string Payload(ControlJob work) => JsonSerializer.Serialize(work, work.GetType(), Options);

    /// <summary>Whether two payloads ask for the same; the registry keeps them with other blanks and another order.</summary>
    public static bool IsSame(string left, string right)
    {
        using var leftJson = JsonDocument.Parse(left);
        using var rightJson = JsonDocument.Parse(right);
        return JsonElement.DeepEquals(leftJson.RootElement, rightJson.RootElement);
    }

    /// <exception cref="ControlException">Entered by a newer program.</exception>
    public static ControlJob Read(Job job)
        => Types.TryGetValue(job.Kind, out Type? type) && JsonSerializer.Deserialize(job.PayloadJson, type, Options) is ControlJob work ? work
            : throw new ControlException($"job {job.Id} is of kind {job.Kind}, which this program does not know", "Use the proxyctl that began it, or a newer one.") { IsTransient = true };

    private sealed class SlugConverter : System.Text.Json.Serialization.JsonConverter<TenantSlug>
    {
        public override TenantSlug Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => TenantSlug.Parse(reader.GetString() ?? "");

        public override void Write(Utf8JsonWriter writer, TenantSlug value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
