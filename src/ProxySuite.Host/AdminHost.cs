using ProxySuite.Proxy.Admin;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Host;

/// <summary>What the admin console asks of this process: its configuration, reload, shutdown.</summary>
internal sealed class AdminHost(Reloader reloader, IServiceProvider services) : IAdminHost
{
    // They hold passwords, or may.
    private static readonly string[] Secret = ["Registry:ConnectionString", "Redis:Configuration", "Admin:Users:"];

    public string Version => ProductVersion.Text;

    public IReadOnlyList<ConfigRow> Config
    {
        get
        {
            LoadedOptions running = reloader.Running;
            return
            [
                .. running.Keys.Where(key => !Secret.Any(secret => key.Path.StartsWith(secret, StringComparison.OrdinalIgnoreCase))).Select(key => new ConfigRow(
                    key.Path, running.Values.TryGet(key.Path, out ConfigValue value) ? value.Text : key.Default, key.Default, key.Reload == Proxy.Options.Reload.Live)),
            ];
        }
    }

    public IReadOnlyList<string> Reload() => [.. reloader.Reload().Select(problem => problem.ToString())];

    // Asked for late: the lifetime is made with the host, and the host with the data plane.
    public void Shutdown() => ((SignalLifetime)services.GetService(typeof(SignalLifetime))!).Stop("SHUTDOWN of the console");
}
