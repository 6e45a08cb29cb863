using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>A notice board in memory, with a clock that a test moves.</summary>
internal sealed class MemoryBoard(Func<TimeSpan> clock)
{
    private readonly Dictionary<TenantId, Dictionary<string, (TimeSpan At, string Line)>> _boards = [];

    /// <summary>While true it does not answer.</summary>
    public bool IsAway { get; set; }

    /// <summary>Posts so far.</summary>
    public int Posts { get; private set; }

    public long QueriesCounted { get; private set; }

    /// <summary>As after FLUSHALL.</summary>
    public void Clear() => _boards.Clear();

    /// <summary>What one of the proxies sees.</summary>
    public IRateBoard For(string proxy) => new View(this, proxy);

    private sealed class View(MemoryBoard board, string self) : IRateBoard
    {
        public Task<IReadOnlyList<IReadOnlyList<RateNote>>?> ExchangeAsync(IReadOnlyList<RatePost> posts, CancellationToken cancellationToken)
        {
            if (board.IsAway) return Task.FromResult<IReadOnlyList<IReadOnlyList<RateNote>>?>(null);
            var answers = new List<IReadOnlyList<RateNote>>();
            foreach (RatePost post in posts)
            {
                board.Posts++;
                board.QueriesCounted += post.Queries;
                if (!board._boards.TryGetValue(post.Tenant, out Dictionary<string, (TimeSpan At, string Line)>? notes)) board._boards[post.Tenant] = notes = [];
                notes[self] = (board.Now, post.Line);
                answers.Add([.. notes.Where(note => note.Key != self).Select(note => new RateNote(note.Key, board.Now - note.Value.At, note.Value.Line))]);
            }
            return Task.FromResult<IReadOnlyList<IReadOnlyList<RateNote>>?>(answers);
        }
    }

    private TimeSpan Now => clock();
}
