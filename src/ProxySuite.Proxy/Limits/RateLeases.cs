using System.Collections.Concurrent;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Limits;

/// <summary>
/// Shares tenants' limits with the other proxies, behind the queries' back: tells them on a notice board what is wanted here, reads what they want, and leaves
/// each limiter its part. Only tenants with limits and traffic are told of; all of a proxy's go in one round trip.
/// </summary>
/// <param name="board">Where the proxies meet.</param>
/// <param name="stats">Hears whether that works.</param>
/// <param name="clock">Stopwatch ticks; as the limiters have them.</param>
internal sealed class RateLeases(IRateBoard board, ProxyStats stats, Func<long> clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>After an exchange that failed the board is left alone for this long.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Tenants of one round; the others have the next ones, each in its turn.</summary>
    private const int RoundMax = 500;

    private readonly ConcurrentDictionary<TenantId, LeaseBook> _books = new();
    private readonly Lock _gate = new(); // around each look into a book
    private TenantId? _last; // of the round before, when it was full

    /// <summary>A tenant's limits are shared from now on. Any thread.</summary>
    public void Join(TenantId tenant, LeaseCell cell)
    {
        // A tenant has a cell on each reactor that serves it; its reactors and the exchange take turns at the book.
        lock (_gate)
        {
            if (!_books.TryGetValue(tenant, out LeaseBook? book)) _books[tenant] = book = new LeaseBook();
            book.Add(cell);
        }
    }

    /// <summary>And no longer. Any thread.</summary>
    public void Leave(TenantId tenant, LeaseCell cell)
    {
        lock (_gate)
        {
            if (_books.TryGetValue(tenant, out LeaseBook? book) && book.Remove(cell)) _books.TryRemove(tenant, out _);
        }
    }

    /// <summary>Exchanges until it is stopped.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var beat = new PeriodicTimer(Interval);
        while (await beat.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!await ExchangeAsync(cancellationToken).ConfigureAwait(false)) await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One round.</summary>
    /// <returns>False when the board is away.</returns>
    public async Task<bool> ExchangeAsync(CancellationToken cancellationToken)
    {
        long now = clock();
        List<RatePost>? posts = null;
        List<LeaseBook>? books = null;
        foreach ((TenantId tenant, LeaseBook book) in InTurn())
        {
            string line;
            long queries;
            lock (_gate)
            {
                if (!book.TryMeasure(now, out line, out queries)) continue;
            }
            (posts ??= []).Add(new RatePost(tenant, line, queries));
            (books ??= []).Add(book);
            if (posts.Count == RoundMax) break;
        }
        _last = posts?.Count == RoundMax ? posts[^1].Tenant : null;
        if (posts is null) return true;
        IReadOnlyList<IReadOnlyList<RateNote>>? answers = await board.ExchangeAsync(posts, cancellationToken).ConfigureAwait(false);
        stats.LeasesExchanged(isDone: answers is not null);
        if (answers is null) return false;
        now = clock();
        for (int index = 0; index < answers.Count; index++)
        {
            lock (_gate) books![index].Take(answers[index], posts[index].Queries, now);
        }
        return true;
    }

    private IEnumerable<KeyValuePair<TenantId, LeaseBook>> InTurn()
    {
        if (_last is not { } last) return _books;
        KeyValuePair<TenantId, LeaseBook>[] all = [.. _books];
        int start = Array.FindIndex(all, book => book.Key == last) + 1;
        return all[start..].Concat(all[..start]);
    }
}
