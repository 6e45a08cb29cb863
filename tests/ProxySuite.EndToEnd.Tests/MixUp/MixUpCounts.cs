using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace ProxySuite.EndToEnd.Tests.MixUp;

/// <summary>What all clients of a run did and saw.</summary>
internal sealed class MixUpCounts
{
    public const string GoodBye = "good-bye";

    private long _answers, _connections;

    /// <summary>Answers checked against their question.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    public long Connections => Interlocked.Read(ref _connections);

    /// <summary>Questions asked, by kind.</summary>
    public ConcurrentDictionary<string, Kind> Questions { get; } = new();

    /// <summary>Ways in which connections ended.</summary>
    public ConcurrentDictionary<string, long> Ends { get; } = new();

    /// <summary>Answers that were not those to the question, that never came, and connections that were lost: none is allowed.</summary>
    public ConcurrentQueue<string> MixUps { get; } = new();

    public long Kills => Ends.Where(end => end.Key != GoodBye).Sum(end => end.Value);

    /// <summary>Questions of one kind: how many, and how long all of them and the slowest took in milliseconds.</summary>
    public readonly record struct Kind(long Count, double TotalMilliseconds, double MostMilliseconds)
    {
        public Kind With(double milliseconds) => new(Count + 1, TotalMilliseconds + milliseconds, Math.Max(MostMilliseconds, milliseconds));
    }

    public void Asked(string kind, double milliseconds)
        => Questions.AddOrUpdate(kind, _ => default(Kind).With(milliseconds), (_, sum) => sum.With(milliseconds));

    public void Answered() => Interlocked.Increment(ref _answers);

    public void Connected() => Interlocked.Increment(ref _connections);

    public void Report(StringBuilder report)
    {
        report.AppendLine(CultureInfo.InvariantCulture, $"answers checked    {Answers}");
        report.AppendLine(CultureInfo.InvariantCulture, $"connections        {Connections}, of which {Kills} killed by their client");
        report.AppendLine(CultureInfo.InvariantCulture, $"ends               {string.Join(", ", Ends.OrderBy(end => end.Key, StringComparer.Ordinal).Select(end => $"{end.Key} {end.Value}"))}");
        report.AppendLine(CultureInfo.InvariantCulture, $"{"questions",-30} {"asked",6} {"mean ms",8} {"most ms",8}   waiting for a server included");
        foreach ((string name, Kind kind) in Questions.OrderBy(kind => kind.Key, StringComparer.Ordinal))
        {
            report.AppendLine(CultureInfo.InvariantCulture, $"  {name,-28} {kind.Count,6} {kind.TotalMilliseconds / kind.Count,8:F1} {kind.MostMilliseconds,8:F0}");
        }
        report.AppendLine(CultureInfo.InvariantCulture, $"mix-ups            {MixUps.Count}");
        foreach (string mixUp in MixUps.Take(10)) report.AppendLine(CultureInfo.InvariantCulture, $"    {mixUp}");
    }
}
