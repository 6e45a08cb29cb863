using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace ProxySuite.Host;

/// <summary>Signals as the generic host's lifetime: the first SIGTERM or SIGINT stops in peace, a second one at once, SIGHUP reloads.</summary>
internal sealed class SignalLifetime(IHostApplicationLifetime application, Reloader reloader) : IHostLifetime, IDisposable
{
    private readonly CancellationTokenSource _hurry = new();
    private PosixSignalRegistration[] _registrations = [];
    private int _stops;

    /// <summary>Fires at the second stop signal.</summary>
    public CancellationToken Hurry => _hurry.Token;

    /// <summary>What stopped the process, for the log.</summary>
    public string StopSignal { get; private set; } = "none";

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Handle(context, () => Stop("SIGTERM"))),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Handle(context, () => Stop("SIGINT"))),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Handle(context, () => reloader.Reload())),
        ];
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A stop signal came.</summary>
    internal void Stop(string signal)
    {
        if (Interlocked.Increment(ref _stops) > 1)
        {
            _hurry.Cancel();
            return;
        }
        StopSignal = signal;
        application.StopApplication();
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _hurry.Dispose();
    }

    private static void Handle(PosixSignalContext context, Action act)
    {
        context.Cancel = true; // or the runtime ends the process
        act();
    }
}
