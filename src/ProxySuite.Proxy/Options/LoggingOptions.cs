using Microsoft.Extensions.Logging;

namespace ProxySuite.Proxy.Options;

/// <summary>How a log line looks on the console.</summary>
public enum LogFormat : byte
{
    /// <summary>One line of text an event.</summary>
    Text,

    /// <summary>One JSON object an event.</summary>
    Json,
}

/// <summary>Section <c>Logging</c>.</summary>
public sealed record LoggingOptions
{
    /// <summary>Least severe level that is written.</summary>
    /// <value>trace, debug, information, warning, error, critical or none; default information. Reloadable.</value>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary>How a line looks.</summary>
    /// <value>text or json; default text. Needs a restart.</value>
    public LogFormat Format { get; init; } = LogFormat.Text;

    /// <summary>Whether each login and each end of a client connection is a line.</summary>
    /// <value>on or off; default on. Reloadable.</value>
    public bool Connections { get; init; } = true;

    /// <summary>Queries that take longer are logged with their text.</summary>
    /// <value>1 ms to 1 h, or 0 for no slow-query log; default 0. Reloadable.</value>
    public TimeSpan SlowQuery { get; init; }

    internal static LoggingOptions Read(SectionReader section)
    {
        var defaults = new LoggingOptions();
        return new()
        {
            Level = section.OneOf(nameof(Level), defaults.Level, Reload.Live),
            Format = section.OneOf(nameof(Format), defaults.Format),
            Connections = section.OnOff(nameof(Connections), defaults.Connections, Reload.Live),
            SlowQuery = section.DurationOrOff(nameof(SlowQuery), defaults.SlowQuery, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1), Reload.Live),
        };
    }
}
