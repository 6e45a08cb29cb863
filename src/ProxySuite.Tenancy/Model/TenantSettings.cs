using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace ProxySuite.Tenancy.Model;

/// <summary>
/// The run-time parameters that a server connection of a tenant starts with (A6). They travel in its start-up packet and so are its reset
/// values: <c>RESET ALL</c> and <c>DISCARD ALL</c> fall back to them, and <c>ALTER ROLE … SET</c> does not reach over them (measured, PostgreSQL 15 to 18).
/// </summary>
public sealed class TenantSettings
{
    public const string DefaultTenantIdParameter = "app.current_tenant_id";

    private readonly string _tenantIdParameter;
    private readonly string _searchPathTail;

    /// <param name="tenantIdParameter">Parameter that tells applications and policies the tenant's id; a custom one, with a dot in its name.</param>
    /// <param name="sharedSchemas">
    /// Schemas searched behind the tenant's own, for extensions shared by all. None by default: an application that asks whether its table
    /// exists would find a shared one of that name.
    /// </param>
    /// <exception cref="ArgumentException">The parameter's name is none, or has no dot.</exception>
    public TenantSettings(string tenantIdParameter = DefaultTenantIdParameter, params IEnumerable<string> sharedSchemas)
    {
        if (!PlanSettings.IsParameterName(tenantIdParameter) || !tenantIdParameter.Contains('.'))
        {
            throw new ArgumentException($"\"{tenantIdParameter}\" is no name of a custom parameter", nameof(tenantIdParameter));
        }
        _tenantIdParameter = tenantIdParameter;
        _searchPathTail = string.Concat(sharedSchemas.Select(schema => ", " + QuoteIdentifier(schema)));
    }

    /// <summary>The parameter that tells applications and policies the tenant's id.</summary>
    public string TenantIdParameter => _tenantIdParameter;

    /// <summary>Names and values for a tenant's connections; the same for all its roles, and in an order that does not change.</summary>
    public ImmutableArray<KeyValuePair<string, string>> For(Tenant tenant)
    {
        Plan plan = tenant.Plan;
        var settings = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>(4 + plan.Settings.Count);
        foreach ((string name, string value) in plan.Settings)
        {
            // The plan's free settings are data; what isolates the tenant never gives way to data.
            if (name != _tenantIdParameter) settings.Add(new(name, value));
        }
        settings.Add(new(_tenantIdParameter, tenant.Id.ToString()));
        settings.Add(new("search_path", QuoteIdentifier(tenant.Placement.SchemaName) + _searchPathTail));
        settings.Add(new("statement_timeout", string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Ceiling(plan.StatementTimeout.TotalMilliseconds)}ms")));
        settings.Add(new("work_mem", string.Create(CultureInfo.InvariantCulture, $"{plan.WorkMemBytes / 1024}kB")));
        return settings.DrainToImmutable();
    }

    /// <summary>The settings as the value of the start-up packet's <c>options</c>.</summary>
    public string OptionsFor(Tenant tenant) => FormatOptions(For(tenant));

    /// <summary><c>-c name=value</c> for each setting, with blanks and backslashes escaped as the server's pg_split_opts undoes it.</summary>
    /// <remarks>protocol-flow, StartupMessage, <c>options</c>: spaces separate arguments unless a backslash comes before them.</remarks>
    /// <exception cref="ArgumentException">A NUL, which ends the value in the packet.</exception>
    public static string FormatOptions(IEnumerable<KeyValuePair<string, string>> settings)
    {
        var options = new StringBuilder();
        foreach ((string name, string value) in settings)
        {
            if (options.Length > 0) options.Append(' ');
            options.Append("-c ");
            AppendEscaped(options, name);
            options.Append('=');
            AppendEscaped(options, value);
        }
        return options.ToString();
    }

    /// <summary>A name in double quotes, as SQL takes it whatever it contains.</summary>
    public static string QuoteIdentifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static void AppendEscaped(StringBuilder options, string text)
    {
        foreach (char c in text)
        {
            if (c == '\0') throw new ArgumentException("a setting must not contain NUL", nameof(text));
            // What C's isspace takes for a blank, as pg_split_opts does.
            if (c is ' ' or '\t' or '\n' or '\v' or '\f' or '\r' or '\\') options.Append('\\');
            options.Append(c);
        }
    }
}
