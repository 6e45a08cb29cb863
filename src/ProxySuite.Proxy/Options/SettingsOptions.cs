namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Settings</c>: what is injected into every server session (A6).</summary>
public sealed record SettingsOptions
{
    /// <summary>Name of the setting that carries the tenant's id, for applications and policies that read it.</summary>
    /// <value>Two names joined by a dot, letters, digits and underscores, up to 63 bytes; default app.current_tenant_id. Needs a restart.</value>
    public string TenantIdSetting { get; init; } = "app.current_tenant_id";

    internal static SettingsOptions Read(SectionReader section) => new()
    {
        TenantIdSetting = section.Text(nameof(TenantIdSetting), new SettingsOptions().TenantIdSetting),
    };
}
