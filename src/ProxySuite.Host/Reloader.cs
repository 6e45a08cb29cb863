using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;

namespace ProxySuite.Host;

/// <summary>SIGHUP: reads the configuration again and puts it in force as a whole, or not at all.</summary>
internal sealed class Reloader(ConfigSources sources, LoadedOptions initial, CurrentOptions current, ILogger<Reloader> logger)
{
    private readonly Lock _oneAtATime = new();
    private LoadedOptions _running = initial;

    /// <summary>What runs now.</summary>
    public LoadedOptions Running
    {
        get
        {
            lock (_oneAtATime) return _running;
        }
    }

    /// <summary>Reloads once; a problem is a log line and changes nothing.</summary>
    /// <returns>The problems.</returns>
    public IReadOnlyList<ConfigProblem> Reload()
    {
        lock (_oneAtATime)
        {
            LoadedOptions next = OptionsLoader.Load(sources, _running);
            if (next.Problems.Count > 0)
            {
                logger.ReloadRefused(string.Join("; ", next.Problems));
                return next.Problems;
            }
            string changed = string.Join(",", next.Keys.Where(key => TextOf(next, key) != TextOf(_running, key)).Select(key => key.Path));
            _running = next;
            current.Swap(next.Options);
            logger.Reloaded(changed.Length > 0 ? changed : "none");
            if (next.NeedRestart.Count > 0) logger.NeedsRestart(string.Join(",", next.NeedRestart));
            return [];
        }
    }

    private static string? TextOf(LoadedOptions options, OptionKey key) => options.Values.TryGet(key.Path, out ConfigValue value) ? value.Text : null;
}
