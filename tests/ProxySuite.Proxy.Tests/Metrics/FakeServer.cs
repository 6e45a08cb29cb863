using System.Net;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Transport;

namespace ProxySuite.Proxy.Tests.Metrics;

/// <summary>A data plane without data: it does what the test says and notes what its host asks of it.</summary>
internal sealed class FakeServer : IProxyServer
{
    public ServerHealth Health { get; set; } = new(ServerPhase.Accepting, RegistryReachable: true, RegistryKnown: true, Clients: 0);

    public IReadOnlyList<EndPoint> EndPoints { get; } = [new IPEndPoint(IPAddress.Loopback, 6432)];

    public IReadOnlyList<ReactorCounters> Reactors { get; set; } = [];

    public bool ReactorsAnswer { get; set; } = true;

    public Exception? StartFailure { get; set; }

    /// <summary>Lets a start take until it is cancelled.</summary>
    public bool StartHangs { get; set; }

    public TaskCompletionSource StartAsked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed by a test that lets a drain end before its deadline.</summary>
    public TaskCompletionSource LastClientLeft { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource<TimeSpan> DrainAsked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<string> Calls { get; } = [];

    public Task PingReactorsAsync(CancellationToken cancellationToken)
        => ReactorsAnswer ? Task.CompletedTask : Task.FromCanceled(new CancellationToken(canceled: true));

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Calls.Add("start");
        StartAsked.SetResult();
        if (StartHangs) return Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return StartFailure is null ? Task.CompletedTask : Task.FromException(StartFailure);
    }

    public async Task DrainAsync(TimeSpan deadline, CancellationToken cancellationToken)
    {
        Calls.Add("drain");
        Health = Health with { Phase = ServerPhase.Draining };
        DrainAsked.SetResult(deadline);
        await LastClientLeft.Task.WaitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Calls.Add("stop");
        Health = Health with { Phase = ServerPhase.Stopped };
        return Task.CompletedTask;
    }
}
