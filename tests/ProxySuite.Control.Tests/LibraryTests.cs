using System.Reflection;
using System.Text.RegularExpressions;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests;

/// <summary>The example of docs/library.md: compiled as it stands there (Support/LibraryExample.cs must be its text), and run.</summary>
[Trait("Category", "Server")]
public sealed partial class LibraryTests
{
    [Fact]
    public void The_example_in_the_documentation_is_the_one_that_is_compiled_here()
    {
        string root = Root();
        string documented = InDocument().Match(File.ReadAllText(Path.Combine(root, "docs", "library.md"))).Groups[1].Value;
        string compiled = File.ReadAllText(Path.Combine(root, "tests", "ProxySuite.Control.Tests", "Support", "LibraryExample.cs"));
        Assert.NotEmpty(documented);
        Assert.Equal(documented.Trim(), compiled.Trim());
    }

    [Fact]
    public void The_table_names_every_service_and_every_method_that_does_something()
    {
        Dictionary<string, string[]> documented = File.ReadLines(Path.Combine(Root(), "docs", "library.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Names().Matches(line.Split('|')[1]).Select(type => (Type: type.Groups[1].Value, Methods: Names().Matches(line).Select(name => name.Groups[1].Value).ToArray())))
            .ToDictionary(row => row.Type, row => row.Methods);
        Type[] services = [.. typeof(ControlPlane).Assembly.GetExportedTypes().Where(type => MethodsOf(type).Any())];
        Assert.Equal(services.Select(type => type.Name).Append("RegistryStore").Order(StringComparer.Ordinal), documented.Keys.Order(StringComparer.Ordinal));
        foreach (Type service in services) Assert.Empty(MethodsOf(service).Except(documented[service.Name]));
        HashSet<string> there = [.. services.SelectMany(MethodsOf)];
        Assert.Empty(documented.Values.SelectMany(names => names).Where(name => name.EndsWith("Async", StringComparison.Ordinal)).Except(there));
    }

    // What takes a token does something; lists and helpers without state are no services.
    private static IEnumerable<string> MethodsOf(Type type) => type is { IsAbstract: true, IsSealed: true } ? [] : type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .Where(method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CancellationToken))).Select(method => method.Name);

    [Fact]
    public async Task The_example_does_what_it_says_and_says_it_twice_without_harm()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        string logins = await Example.SignUp.RunAsync(world.RegistryDsn, world.KeyFile, "acme", CancellationToken.None);
        TenantEntry entry = await world.EntryAsync("acme");
        Assert.Equal((TenantState.Active, 8), (entry.Tenant.State, entry.Tenant.Plan.Connections));
        string password = logins.Split(' ')[0]["app:".Length..];
        Assert.True(entry.Tenant.Users["app"].Verifier.Matches("app", password));
        Assert.Equal(UserRole.Readonly, entry.Tenant.Users["reports"].Role);
        Assert.All(await world.Control.Store.ListAuditAsync("tenant acme"), done => Assert.True(done.Done && done.Actor == "sign-up service"));
    }

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "ProxySuite.sln"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }

    [GeneratedRegex("`([A-Za-z]+)`")]
    private static partial Regex Names();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex InDocument();
}
