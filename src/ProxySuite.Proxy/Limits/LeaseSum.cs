namespace ProxySuite.Proxy.Limits;

/// <summary>What stands in several cells of one tenant, added up; the limits are the same in all.</summary>
internal readonly record struct LeaseSum(
    long QueriesWanted, long QueriesAdmitted, double QueriesUnused, long ConnectionsWanted, long Backlog, long Milliseconds, long Bytes, long QueriesLimit, long ConnectionsLimit)
{
    /// <summary>Adds up.</summary>
    /// <param name="cells">The tenant's.</param>
    /// <param name="except">One that is left out; null for none.</param>
    public static LeaseSum Of(ReadOnlySpan<LeaseCell> cells, LeaseCell? except = null)
    {
        LeaseSum sum = default;
        foreach (LeaseCell cell in cells)
        {
            if (ReferenceEquals(cell, except)) continue;
            sum = new LeaseSum(
                sum.QueriesWanted + cell.QueriesWanted, sum.QueriesAdmitted + cell.QueriesAdmitted, sum.QueriesUnused + cell.QueriesSpilled - cell.QueriesTaken,
                sum.ConnectionsWanted + cell.ConnectionsWanted, sum.Backlog + cell.Backlog, sum.Milliseconds + cell.Milliseconds, sum.Bytes + cell.Bytes, cell.QueriesLimit, cell.ConnectionsLimit);
        }
        return sum;
    }
}
