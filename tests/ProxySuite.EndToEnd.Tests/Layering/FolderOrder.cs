using System.Text.RegularExpressions;

namespace ProxySuite.EndToEnd.Tests.Layering;

/// <summary>The order of the folders below one namespace: a folder refers only to itself, to those before it, and to the root.</summary>
/// <param name="root">The namespace the folders lie in, for example <c>ProxySuite.Proxy</c>; its own types are lowest of all.</param>
/// <param name="folders">Lowest first.</param>
internal sealed class FolderOrder(string root, params string[] folders)
{
    private const int RootLevel = -1;

    private readonly Regex _mention = new($@"\b{Regex.Escape(root)}\.(\w+)", RegexOptions.CultureInvariant);
    private readonly Regex _declaration = new($@"^\s*namespace\s+({Regex.Escape(root)}[\w.]*)", RegexOptions.Multiline | RegexOptions.CultureInvariant);

    /// <summary>What one source file does against the order: mentions, be they usings or qualified names, and a namespace that is not its folder's.</summary>
    /// <param name="path">Below the project, with slashes: <c>Pooling/TenantPool.cs</c>.</param>
    public IEnumerable<string> ViolationsOfSource(string path, string text)
    {
        string folder = path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : "";
        int level = LevelOf(folder);
        if (folder.Length > 0 && level == RootLevel) yield return $"{path}: the folder {folder} is not in the picture";

        foreach (Match declaration in _declaration.Matches(text))
        {
            string declared = declaration.Groups[1].Value;
            string expected = folder.Length == 0 ? root : $"{root}.{folder}";
            if (declared != expected && !declared.StartsWith($"{expected}.", StringComparison.Ordinal)) yield return $"{path}: declares {declared}";
        }
        foreach (string mentioned in _mention.Matches(text).Select(match => match.Groups[1].Value).Distinct())
        {
            if (LevelOf(mentioned) > level) yield return $"{path}: refers to {mentioned}";
        }
    }

    /// <summary>What the compiled types do against the order; finds names that C# lets a file write without a using.</summary>
    public IEnumerable<string> ViolationsOfTypes(IEnumerable<Type> types)
    {
        HashSet<string> violations = [];
        foreach (Type type in types.Where(IsBelowRoot))
        {
            int level = LevelOf(FolderOf(type));
            foreach (Type used in TypeReferences.Of(type).Where(IsBelowRoot))
            {
                if (LevelOf(FolderOf(used)) > level) violations.Add($"{Outermost(type).FullName} refers to {Outermost(used).FullName}");
            }
        }
        return violations.Order(StringComparer.Ordinal);
    }

    // What the compiler makes up (PrivateImplementationDetails) has no namespace and belongs to no folder.
    private bool IsBelowRoot(Type type) => type.Namespace is { } name && (name == root || name.StartsWith($"{root}.", StringComparison.Ordinal));

    private string FolderOf(Type type) => type.Namespace!.Length == root.Length ? "" : type.Namespace[(root.Length + 1)..].Split('.')[0];

    private int LevelOf(string folder) => Array.IndexOf(folders, folder);

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type;
    }
}
