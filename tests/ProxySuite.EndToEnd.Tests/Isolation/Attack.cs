namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>Something one tenant tries against another, or against its own plan.</summary>
/// <param name="What">In a few words; the attack's name.</param>
/// <param name="Outcome">
/// How it has to end on the product, so that no attack counts as held because it never ran: the SQLSTATE of the first error, or <c>ok</c> when there is
/// none. Several are separated by blanks, where versions or models differ. Whether it did harm is judged apart from that, by <see cref="Duel"/>.
/// </param>
/// <param name="Carry">Carries it out.</param>
internal sealed record Attack(string What, string Outcome, Func<Duel, Task> Carry)
{
    /// <summary>Statements, one after the other as simple queries on one connection, whatever becomes of each.</summary>
    public Attack(string what, string[] statements, string outcome)
        : this(what, outcome, duel => duel.SayAsync(statements))
    {
    }

    public override string ToString() => What;
}
