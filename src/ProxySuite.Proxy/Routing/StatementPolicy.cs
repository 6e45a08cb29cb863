using System.Globalization;
using System.Text;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Sql;
using PoolMode = ProxySuite.Tenancy.Model.PoolMode;

namespace ProxySuite.Proxy.Routing;

/// <summary>What a tenant's plan, model and shard mean for the statements of its clients.</summary>
internal static class StatementPolicy
{
    private const string SealParameter = "app.tenant_seal";

    /// <summary>Rules for the users of one role.</summary>
    /// <param name="tenantIdParameter">Setting that carries the tenant's id.</param>
    public static StatementRules RulesFor(TenantEntry entry, ProxyOptions options, UserRole role, string tenantIdParameter)
    {
        Tenant tenant = entry.Tenant;
        bool isShared = tenant.Isolation == IsolationModel.Pool;
        return new StatementRules
        {
            IsStrict = entry.Shard.Lockdown == Lockdown.Strict,
            AllowsTableLocks = !isShared,
            AllowsTwoPhase = (tenant.Plan.PoolMode ?? (PoolMode)options.Pool.Mode) == PoolMode.Session,
            AllowsDdl = role == UserRole.Owner,
            AllowsExplain = !isShared,
            AllowsNotifications = tenant.Identity != TenantIdentity.Sealed,
            Guarded = new Dictionary<string, string?> { [tenantIdParameter] = tenant.Id.ToString(), [SealParameter] = null },
            Limits = SettingLimits(tenant.Plan, LimitsFor(tenant.Plan, options.Limits)),
        };
    }

    /// <summary>Limits of time, as the proxy's clock keeps them.</summary>
    public static WorkLimits LimitsFor(Plan plan, LimitsOptions options) => new(
        plan.StatementTimeout,
        Time(plan, "transaction_timeout") ?? options.TransactionTimeout,
        Time(plan, "idle_in_transaction_session_timeout") ?? options.IdleInTransactionTimeout,
        Time(plan, "idle_session_timeout"));

    // Where a plan says nothing of a setting, PostgreSQL's own default is the limit.
    private static Dictionary<string, SettingLimit> SettingLimits(Plan plan, WorkLimits times)
    {
        long workMem = plan.WorkMemBytes / 1024;
        var limits = new Dictionary<string, SettingLimit>
        {
            ["work_mem"] = Of(SettingUnit.Kilobytes, workMem, "kB"),
            ["maintenance_work_mem"] = Given(plan, "maintenance_work_mem", SettingUnit.Kilobytes) ?? Of(SettingUnit.Kilobytes, Math.Max(workMem, 64 * 1024), "kB"),
            ["temp_buffers"] = Given(plan, "temp_buffers", SettingUnit.Blocks) ?? Of(SettingUnit.Blocks, 1024, ""),
            ["hash_mem_multiplier"] = Given(plan, "hash_mem_multiplier", SettingUnit.None) ?? Of(SettingUnit.None, 2, ""),
            ["max_parallel_workers_per_gather"] = Given(plan, "max_parallel_workers_per_gather", SettingUnit.None) ?? Of(SettingUnit.None, 2, ""),
            ["max_parallel_maintenance_workers"] = Given(plan, "max_parallel_maintenance_workers", SettingUnit.None) ?? Of(SettingUnit.None, 2, ""),
        };
        AddTime(limits, "statement_timeout", times.Statement);
        AddTime(limits, "transaction_timeout", times.Transaction);
        AddTime(limits, "idle_in_transaction_session_timeout", times.IdleInTransaction);
        return limits;
    }

    private static void AddTime(Dictionary<string, SettingLimit> limits, string name, TimeSpan limit)
    {
        if (limit > TimeSpan.Zero) limits.Add(name, Of(SettingUnit.Milliseconds, Math.Ceiling(limit.TotalMilliseconds), "ms") with { IsZeroNone = true });
    }

    private static SettingLimit Of(SettingUnit unit, double max, string suffix) => new(unit, max, max.ToString("0.###", CultureInfo.InvariantCulture) + suffix);

    /// <summary>The plan's own value as the limit; null when it gives none, or one that says no number.</summary>
    private static SettingLimit? Given(Plan plan, string name, SettingUnit unit)
        => plan.Settings.TryGetValue(name, out string? text) && SettingLimit.TryRead(Encoding.ASCII.GetBytes(text), unit, out double max)
            ? new SettingLimit(unit, max, text) : null;

    private static TimeSpan? Time(Plan plan, string name)
        => plan.Settings.TryGetValue(name, out string? text) && SettingLimit.TryRead(Encoding.ASCII.GetBytes(text), SettingUnit.Milliseconds, out double milliseconds)
            && milliseconds is >= 0 and < int.MaxValue
            ? TimeSpan.FromMilliseconds(milliseconds) : null;
}
