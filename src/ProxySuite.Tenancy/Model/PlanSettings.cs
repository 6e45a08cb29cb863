using System.Collections.Frozen;
using System.Collections.Immutable;

namespace ProxySuite.Tenancy.Model;

/// <summary>Rules for the free run-time parameters of a plan.</summary>
public static class PlanSettings
{
    public static readonly ImmutableSortedDictionary<string, string> None =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    // These say who the tenant is and what it may use, and come from elsewhere: a plan that set them would override its own limits
    // or the tenant's isolation.
    private static readonly FrozenSet<string> Refused = FrozenSet.Create(StringComparer.Ordinal,
        "search_path", "statement_timeout", "work_mem", "role", "session_authorization", "session_replication_role", "row_security",
        "is_superuser", "client_encoding", "options");

    /// <summary>Why the settings cannot be, naming the one at fault; null when they can.</summary>
    public static string? WhyRefused(IReadOnlyDictionary<string, string> settings)
    {
        foreach ((string name, string value) in settings)
        {
            if (!IsParameterName(name)) return $"\"{name}\" is no name of a run-time parameter";
            if (Refused.Contains(name)) return $"setting \"{name}\" cannot be part of a plan";
            if (value.Contains('\0') || value.Length > 1000) return $"the value of setting \"{name}\" has a NUL or more than 1000 characters";
        }
        return null;
    }

    /// <summary>Whether the text is a parameter name such as <c>lock_timeout</c> or <c>app.region</c>, in lower case.</summary>
    public static bool IsParameterName(string name)
        => name.Length is > 0 and <= 63
        && name.Split('.').All(part => part.Length > 0 && part[0] is (>= 'a' and <= 'z') or '_'
            && part.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_'));
}
