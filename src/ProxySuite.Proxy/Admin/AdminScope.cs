using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Routing;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Admin;

/// <summary>What commands work with. Data is asked of reactors by posting and waiting with a deadline; nothing is locked.</summary>
internal sealed class AdminScope
{
    /// <summary>A reactor that takes longer is in trouble: its turns take microseconds.</summary>
    private static readonly TimeSpan ReactorPatience = TimeSpan.FromSeconds(5);

    /// <summary>The reactors' contexts.</summary>
    public required IReadOnlyList<FrontendContext> Contexts { get; init; }

    /// <summary>The shards' budgets.</summary>
    public required ShardBudgets Shards { get; init; }

    public required CurrentOptions Options { get; init; }

    public required StatsRegistry Stats { get; init; }

    public required TenantRates Rates { get; init; }

    public required TenantDirectory Tenants { get; init; }

    /// <summary>Where clients connect, once the server listens.</summary>
    public required Func<IReadOnlyList<EndPoint>> EndPoints { get; init; }

    /// <summary>The first of them that is no Unix socket; null for none.</summary>
    public IPEndPoint? LocalEndPoint => EndPoints().OfType<IPEndPoint>().FirstOrDefault();

    /// <summary>The process around; null for none.</summary>
    public IAdminHost? Host { get; init; }

    /// <summary>Clients of the console itself.</summary>
    public required Func<int> ConsoleClients { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Asks every reactor, each on its own thread.</summary>
    /// <exception cref="PgErrorException">58000: one does not answer.</exception>
    public async Task<T[]> AskAsync<T>(Func<FrontendContext, T> ask, CancellationToken cancellationToken)
    {
        Task<T>[] answers = [.. Contexts.Select(context => AskOneAsync(context, ask))];
        try
        {
            return await Task.WhenAll(answers).WaitAsync(ReactorPatience, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            int silent = Array.FindIndex(answers, static answer => !answer.IsCompleted);
            throw new PgErrorException(AdminErrors.ReactorSilent(Math.Max(0, silent), ReactorPatience));
        }
    }

    /// <summary>Does something on every reactor.</summary>
    /// <inheritdoc cref="AskAsync" path="/exception"/>
    public Task TellAsync(Action<FrontendContext> act, CancellationToken cancellationToken) => AskAsync(context =>
    {
        act(context);
        return true;
    }, cancellationToken);

    /// <summary>The wall-clock time of a moment in Stopwatch ticks, as PgBouncer prints times.</summary>
    public static string? TimeOf(long ticks)
        => ticks == 0 ? null : (DateTime.UtcNow - Stopwatch.GetElapsedTime(ticks)).ToString("yyyy-MM-dd HH:mm:ss 'UTC'", System.Globalization.CultureInfo.InvariantCulture);

    private static Task<T> AskOneAsync<T>(FrontendContext context, Func<FrontendContext, T> ask)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        context.Reactor.Post(_ =>
        {
            try
            {
                answer.SetResult(ask(context));
            }
            catch (Exception failed)
            {
                answer.SetException(failed);
            }
        }, null);
        return answer.Task;
    }
}
