namespace ProxySuite.Proxy.Admin;

/// <summary>A key of the configuration as SHOW CONFIG tells it.</summary>
/// <param name="Key">Its path.</param>
/// <param name="Value">What is in force.</param>
/// <param name="Default">What it is when it is left out.</param>
/// <param name="IsChangeable">Whether RELOAD puts another value in force.</param>
public sealed record ConfigRow(string Key, string Value, string Default, bool IsChangeable);

/// <summary>What the console asks of the process around the data plane. Without one, commands that need it are refused with 0A000.</summary>
public interface IAdminHost
{
    /// <summary>The program's version.</summary>
    string Version { get; }

    /// <summary>The configuration in force, without secrets.</summary>
    IReadOnlyList<ConfigRow> Config { get; }

    /// <summary>Reads the configuration again, as SIGHUP does. Blocks on files.</summary>
    /// <returns>What is wrong with it, in which case the old one stays in force; empty when nothing is.</returns>
    IReadOnlyList<string> Reload();

    /// <summary>Drains and stops the process, as SIGTERM does. Returns at once.</summary>
    void Shutdown();
}
