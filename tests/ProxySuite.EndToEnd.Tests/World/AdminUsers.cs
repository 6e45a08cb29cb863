using ProxySuite.Wire.Scram;

namespace ProxySuite.EndToEnd.Tests.World;

/// <summary>Users of a proxy's console, for tests that start one.</summary>
internal static class AdminUsers
{
    public const string Password = "open, console";

    /// <summary>Options of proxyd: <c>ops</c> is an admin, <c>scrape</c> may show.</summary>
    public static string[] Options { get; } =
    [
        "--Admin:Users:0:Name=ops", $"--Admin:Users:0:Verifier={ScramVerifier.Create(Password).ToStoredForm()}", "--Admin:Users:0:Role=admin",
        "--Admin:Users:1:Name=scrape", $"--Admin:Users:1:Verifier={ScramVerifier.Create(Password).ToStoredForm()}", "--Admin:Users:1:Role=stats",
    ];

    public static string Uri(this Proxyd proxyd, string user = "ops") => $"postgres://{user}:{System.Uri.EscapeDataString(Password)}@127.0.0.1:{proxyd.Port}/proxysuite";
}
