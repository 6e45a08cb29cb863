using System.Xml.Linq;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Layering
{
    /// <summary>The checks behind <see cref="LayeringTests"/> find what is planted for them.</summary>
    public sealed class LayeringCheckTests
    {
        private static readonly FolderOrder Folders = new("Planted", "Low", "High");

        [Theory]
        [InlineData("Low/Using.cs", "using Planted.High;\nnamespace Planted.Low;", "Low/Using.cs: refers to High")]
        [InlineData("Low/Deep/Name.cs", "namespace Planted.Low.Deep;\nclass A { Planted.High.B b; }", "Low/Deep/Name.cs: refers to High")]
        [InlineData("Root.cs", "using Planted.Low;\nnamespace Planted;", "Root.cs: refers to Low")]
        [InlineData("Low/Elsewhere.cs", "namespace Planted.Lower;", "Low/Elsewhere.cs: declares Planted.Lower")]
        [InlineData("New/File.cs", "namespace Planted.New;", "New/File.cs: the folder New is not in the picture")]
        public void A_source_that_breaks_the_order_is_named(string path, string text, string violation)
            => Assert.Equal([violation], Folders.ViolationsOfSource(path, text));

        [Theory]
        [InlineData("High/Downwards.cs", "using Planted;\nusing Planted.Low;\nnamespace Planted.High;")]
        [InlineData("Low/Itself.cs", "using Planted.Low;\nnamespace Planted.Low;")]
        [InlineData("Low/Other.cs", "using Unplanted.High;\nnamespace Planted.Low;")]
        public void A_source_that_keeps_the_order_passes(string path, string text) => Assert.Empty(Folders.ViolationsOfSource(path, text));

        [Fact]
        public void Compiled_types_that_break_the_order_are_named_wherever_they_do()
            => Assert.Equal(
                [
                    "Planted.Low.ByField refers to Planted.High.Thing",
                    "Planted.Low.ByGenericArgument refers to Planted.High.Thing",
                    "Planted.Low.InALambda refers to Planted.High.Thing",
                    "Planted.Low.InAnAsyncBody refers to Planted.High.Thing",
                ],
                Folders.ViolationsOfTypes(typeof(LayeringCheckTests).Assembly.GetTypes()));

        [Fact]
        public void A_project_reference_upwards_or_sideways_and_a_package_in_wire_are_named()
        {
            XDocument proxy = XDocument.Parse("<Project><ProjectReference Include='..\\ProxySuite.Control\\ProxySuite.Control.csproj' /></Project>");
            Assert.Equal(["ProxySuite.Proxy refers to ProxySuite.Control"], ProjectReferences.Violations("ProxySuite.Proxy", proxy));
            XDocument wire = XDocument.Parse("<Project><PackageReference Include='Npgsql' /></Project>");
            Assert.Equal(["ProxySuite.Wire has the package Npgsql"], ProjectReferences.Violations("ProxySuite.Wire", wire));
            Assert.Equal(["ProxySuite.Tenancy refers to ProxySuite.Host"], ProjectReferences.Violations("ProxySuite.Tenancy", ["System.Runtime", "proxyd"]));
            Assert.Equal(["ProxySuite.New is not in the picture"], ProjectReferences.Violations("ProxySuite.New", []));
        }
    }
}

namespace Planted.High
{
    internal sealed class Thing
    {
        public static int Answer() => 42;
    }

    internal static class Fine
    {
        public static object Make() => new Planted.Low.ByField();
    }
}

// What no file may do; each reaches upwards in another way, and none needs a using.
namespace Planted.Low
{
    internal sealed class ByField
    {
        public High.Thing? Field { get; init; }
    }

    internal static class ByGenericArgument
    {
        public static int Count() => Array.Empty<High.Thing>().Length;
    }

    internal static class InALambda
    {
        public static Func<int> Make() => () => High.Thing.Answer();
    }

    internal static class InAnAsyncBody
    {
        public static async Task<int> RunAsync()
        {
            await Task.Yield();
            return High.Thing.Answer();
        }
    }
}
