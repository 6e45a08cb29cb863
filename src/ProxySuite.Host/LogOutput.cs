using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Json;
using Serilog.Sinks.Async;
using Serilog.Sinks.SystemConsole.Themes;

namespace ProxySuite.Host;

/// <summary>
/// Serilog on standard output, text or JSON, behind a bounded queue: a console that does not keep up costs log lines, which are counted, never a
/// reactor's time. Disposing writes what is queued.
/// </summary>
internal sealed class LogOutput : IAsyncLogEventSinkMonitor, IDisposable
{
    /// <summary>Log events that may wait for the console; some MB at most.</summary>
    private const int QueueLengthMax = 10_000;

    /// <summary>More severe than any event, so that nothing is written.</summary>
    private const LogEventLevel Nothing = LogEventLevel.Fatal + 1;

    private readonly LoggingLevelSwitch _level;
    private readonly Logger _logger;
    private IAsyncLogEventSinkInspector? _queue;

    public LogOutput(LoggingOptions options)
    {
        _level = new LoggingLevelSwitch(LevelOf(options.Level));
        _logger = new LoggerConfiguration()
            .MinimumLevel.ControlledBy(_level)
            // The generic host's own lines repeat ours, with a stack trace for what an operator should read in one sentence.
            .MinimumLevel.Override("Microsoft", Nothing)
            .WriteTo.Async(sink => Console(sink, options.Format), bufferSize: QueueLengthMax, blockWhenFull: false, monitor: this)
            .CreateLogger();
        Provider = new SerilogLoggerProvider(_logger);
    }

    /// <summary>What a logger factory is given.</summary>
    public ILoggerProvider Provider { get; }

    /// <summary>Events dropped so far because the queue was full.</summary>
    public long DroppedEvents => Volatile.Read(ref _queue)?.DroppedMessagesCount ?? 0;

    /// <summary>Takes over the level of reloaded options.</summary>
    public void Apply(LoggingOptions options) => _level.MinimumLevel = LevelOf(options.Level);

    void IAsyncLogEventSinkMonitor.StartMonitoring(IAsyncLogEventSinkInspector inspector) => Volatile.Write(ref _queue, inspector);

    void IAsyncLogEventSinkMonitor.StopMonitoring(IAsyncLogEventSinkInspector inspector)
    {
        // The last inspector goes on telling how many were dropped.
    }

    public void Dispose()
    {
        Provider.Dispose();
        _logger.Dispose();
    }

    private static LoggerConfiguration Console(LoggerSinkConfiguration sink, LogFormat format) => format == LogFormat.Json
        ? sink.Console(new JsonFormatter(closingDelimiter: "\n", renderMessage: true))
        : sink.Console(outputTemplate: "{Timestamp:yyyy-MM-dd HH:mm:ss.fff zzz} {Level:u3} {Message:lj}{NewLine}{Exception}",
            formatProvider: System.Globalization.CultureInfo.InvariantCulture, theme: ConsoleTheme.None);

    private static LogEventLevel LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => LogEventLevel.Verbose,
        LogLevel.Debug => LogEventLevel.Debug,
        LogLevel.Information => LogEventLevel.Information,
        LogLevel.Warning => LogEventLevel.Warning,
        LogLevel.Error => LogEventLevel.Error,
        LogLevel.Critical => LogEventLevel.Fatal,
        _ => Nothing,
    };
}
