namespace ProxySuite.Tenancy.Model;

/// <summary>What a tenant is known by for ever: slugs may change hands, ids never do.</summary>
/// <remarks>Names of roles, schemas and databases on a shard are derived from it, see <see cref="BackendNames"/>.</remarks>
public readonly record struct TenantId(Guid Value)
{
    /// <summary>A new id, ordered by time so that the registry's index grows at its end.</summary>
    public static TenantId New() => new(Guid.CreateVersion7());

    /// <summary>Reads the forms "D" (with hyphens) and "N" (32 hexadecimal digits).</summary>
    public static bool TryParse(string? text, out TenantId id)
    {
        bool read = Guid.TryParseExact(text, "D", out Guid value) || Guid.TryParseExact(text, "N", out value);
        id = new TenantId(value);
        return read;
    }

    /// <summary>Form "D": what <c>app.current_tenant_id</c> carries and what PostgreSQL prints for a uuid.</summary>
    public override string ToString() => Value.ToString("D");

    /// <summary>Form "N" (32 hexadecimal digits) or "D".</summary>
    public string ToString(string format) => Value.ToString(format);
}
