using System.Reflection;
using System.Xml.Linq;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Layering;

/// <summary>Keeps the picture in ARCHITECTURE.md true: which project, and inside the proxy which folder, may refer to which.</summary>
public sealed class LayeringTests
{
    private static readonly string Source = Path.Combine(RepositoryRoot(), "src");

    private static readonly FolderOrder ProxyFolders = new(
        "ProxySuite.Proxy", "Telemetry", "Options", "Transport", "Backend", "Limits", "Pooling", "Routing", "Frontend", "Admin", "Listening");

    public static TheoryData<string> Projects => [.. Directory.GetDirectories(Source).Select(directory => Path.GetFileName(directory)).Order()];

    [Theory, MemberData(nameof(Projects))]
    public void A_project_refers_only_to_those_below_it(string project)
        => Assert.Empty(ProjectReferences.Violations(project, XDocument.Load($"{Source}/{project}/{project}.csproj")));

    [Theory]
    [InlineData("ProxySuite.Wire", "ProxySuite.Wire")]
    [InlineData("ProxySuite.Tenancy", "ProxySuite.Tenancy")]
    [InlineData("ProxySuite.Proxy", "ProxySuite.Proxy")]
    [InlineData("ProxySuite.Control", "ProxySuite.Control")]
    [InlineData("ProxySuite.Host", "proxyd")]
    [InlineData("ProxySuite.Cli", "proxyctl")]
    public void A_built_assembly_refers_only_to_those_below_it(string project, string assembly)
        => Assert.Empty(ProjectReferences.Violations(project, Assembly.Load(assembly).GetReferencedAssemblies().Select(reference => reference.Name!)));

    [Fact]
    public void The_wire_library_stands_on_the_framework_alone()
        => Assert.All(Assembly.Load("ProxySuite.Wire").GetReferencedAssemblies(), reference => Assert.StartsWith("System.", reference.Name, StringComparison.Ordinal));

    [Fact]
    public void The_proxys_sources_refer_only_to_folders_before_their_own()
    {
        string project = $"{Source}/ProxySuite.Proxy";
        string[] files = Directory.GetFiles(project, "*.cs", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        Assert.Empty(files.SelectMany(file => ProxyFolders.ViolationsOfSource(Path.GetRelativePath(project, file), File.ReadAllText(file))));
    }

    [Fact]
    public void The_proxys_compiled_types_refer_only_to_folders_before_their_own()
        => Assert.Empty(ProxyFolders.ViolationsOfTypes(Assembly.Load("ProxySuite.Proxy").GetTypes()));

    private static string RepositoryRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists($"{directory}/ProxySuite.sln")) directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("the tests do not lie below ProxySuite.sln");
    }
}
