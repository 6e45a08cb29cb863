namespace ProxySuite.Control;

/// <summary>How far long work has come.</summary>
/// <param name="What">What is about to be done: a step, a tenant, a table, a shard.</param>
/// <param name="Done">How many are done; 0 up to <paramref name="Total"/>.</param>
/// <param name="Total">How many there are; 0 where it is not known.</param>
public sealed record WorkProgress(string What, int Done, int Total);
