using System.Reflection;

namespace ProxySuite.Host;

/// <summary>The version this program was built as.</summary>
internal static class ProductVersion
{
    /// <summary>Such as 0.1.0; the build's revision, which the compiler puts behind a plus sign, is left out.</summary>
    public static string Text { get; } =
        (typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+')[0];
}
