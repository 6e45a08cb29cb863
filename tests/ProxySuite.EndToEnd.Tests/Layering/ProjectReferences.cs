using System.Xml.Linq;

namespace ProxySuite.EndToEnd.Tests.Layering;

/// <summary>Which project may refer to which: the picture of the repository, downwards only.</summary>
internal static class ProjectReferences
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["ProxySuite.Wire"] = [],
        ["ProxySuite.Tenancy"] = ["ProxySuite.Wire"],
        ["ProxySuite.Proxy"] = ["ProxySuite.Wire", "ProxySuite.Tenancy"],
        ["ProxySuite.Control"] = ["ProxySuite.Wire", "ProxySuite.Tenancy"],
        ["ProxySuite.Host"] = ["ProxySuite.Wire", "ProxySuite.Tenancy", "ProxySuite.Proxy"],
        ["ProxySuite.Cli"] = ["ProxySuite.Wire", "ProxySuite.Tenancy", "ProxySuite.Control"],
    };

    /// <summary>What a project file does against the picture.</summary>
    public static IEnumerable<string> Violations(string project, XDocument file)
    {
        IEnumerable<string> references = file.Descendants("ProjectReference").Select(
            reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        foreach (string violation in Violations(project, references)) yield return violation;
        if (project != "ProxySuite.Wire") yield break;
        foreach (XElement package in file.Descendants("PackageReference")) yield return $"{project} has the package {package.Attribute("Include")!.Value}";
    }

    /// <summary>What a list of references, to assemblies or projects, does against the picture; others than ours are passed over.</summary>
    public static IEnumerable<string> Violations(string project, IEnumerable<string> references)
    {
        if (!Allowed.TryGetValue(project, out string[]? allowed)) return [$"{project} is not in the picture"];
        return references.Select(NameOfProject).Where(name => name.StartsWith("ProxySuite.", StringComparison.Ordinal) && !allowed.Contains(name))
            .Select(name => $"{project} refers to {name}");
    }

    // The programs' assemblies are named as users call them.
    private static string NameOfProject(string assembly) => assembly switch
    {
        "proxyd" => "ProxySuite.Host",
        "proxyctl" => "ProxySuite.Cli",
        _ => assembly,
    };
}
