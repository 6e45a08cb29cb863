using System.Diagnostics;
using ProxySuite.Proxy.Limits;
using Xunit;

namespace ProxySuite.Proxy.Tests.Limits;

/// <summary>Reactors come and go, and so do a plan's limits: what a cell has counted before it is in the book, or while it was out of it, is told to nobody.</summary>
public sealed class LeaseBookTests
{
    private readonly LeaseCell _one = Cell(admitted: 1_000_000);
    private long _now = 1000 * Stopwatch.Frequency;

    [Fact]
    public void A_cell_counts_from_when_it_comes_and_no_query_is_told_of_twice()
    {
        var book = new LeaseBook();
        LeaseCell one = _one, two = Cell(admitted: 500);
        book.Add(one);
        Assert.Equal(0, Told(book));
        one.QueriesAdmitted += 10;
        Assert.Equal(10, Told(book));
        book.Add(two);
        Assert.Equal(10, Told(book));
        two.QueriesAdmitted += 5;
        Assert.False(book.Remove(two));
        Assert.Equal(15, Told(book));
        two.QueriesAdmitted += 1000; // not limited meanwhile
        book.Add(two);
        book.Add(two);
        Assert.Equal(15, Told(book));
        two.QueriesAdmitted++;
        Assert.Equal(16, Told(book));
        Assert.False(book.Remove(one));
        Assert.True(book.Remove(two));
    }

    private static LeaseCell Cell(long admitted) => new() { QueriesLimit = 100, QueriesWanted = admitted, QueriesAdmitted = admitted };

    private long Told(LeaseBook book)
    {
        _now += 2 * Stopwatch.Frequency;
        _one.QueriesWanted++; // or the book has nothing to say after a while
        Assert.True(book.TryMeasure(_now, out _, out long queries));
        return queries;
    }
}
