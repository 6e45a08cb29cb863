namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>Something one tenant tries against another.</summary>
/// <param name="What">In a few words; the test's name for it.</param>
/// <param name="Statements">Sent one after the other as simple queries on one connection, whatever becomes of each.</param>
/// <param name="Outcome">
/// How it has to end, so that no attack passes because it never ran: the SQLSTATE of the first error, or <c>ok</c> when there is none. Several
/// are separated by blanks, where versions or models differ.
/// </param>
public sealed record Attack(string What, string[] Statements, string Outcome)
{
    public override string ToString() => What;
}
