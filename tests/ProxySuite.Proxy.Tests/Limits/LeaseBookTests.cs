using System.Diagnostics;
using ProxySuite.Proxy.Limits;
using ProxySuite.Tenancy.Cache;
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

    [Fact]
    public void What_another_proxy_had_no_use_for_is_handed_on_once()
    {
        var book = new LeaseBook();
        book.Add(_one);
        Assert.Equal(0, Handed(book, ("other", "0 0 0 0 500"))); // of before it was known
        Assert.Equal(30, Handed(book, ("other", "0 0 0 0 530")), 6);
        Assert.Equal(30, Handed(book, ("other", "0 0 0 0 530")), 6);
        Assert.Equal(30, Handed(book, ("other", "0 0 0 0 520")), 6); // its own reactors have taken some
        Assert.Equal(40, Handed(book, ("other", "0 0 0 0 540")), 6);
        Assert.Equal(40, Handed(book, ("other", "0 0 0 0")), 6); // of an older version
        Assert.Equal(40, Handed(book, ("other", "0 0 0 0 300")), 6); // its own reactors have taken many: what comes again has been handed on
        Assert.Equal(40, Handed(book, ("other", "0 0 0 0 540")), 6);
        Assert.Equal(47, Handed(book, ("other", "0 0 0 0 547")), 6);
        for (int i = 0; i < 5; i++) Assert.Equal(47, Handed(book), 6);
        Assert.Equal(47, Handed(book, ("other", "0 0 0 0 90")), 6); // it was forgotten
        Assert.Equal(57, Handed(book, ("other", "0 0 0 0 100")), 6);
        Assert.True(double.IsFinite(Handed(book, ("other", "900000000000000 0 0 0 110"))));
    }

    [Fact]
    public void What_is_handed_on_is_divided_by_what_is_wanted()
    {
        var book = new LeaseBook();
        book.Add(_one);
        for (int i = 0; i < 20; i++) Handed(book, ("light", "0 0 0 0 0"), ("heavy", "0 0 0 0 0")); // until it wants what is asked of it
        for (int i = 1; i < 10; i++) Assert.Equal(10 * i, Handed(book, ("light", $"0 0 0 0 {20 * i}"), ("heavy", $"{Wanted(book)} 0 0 0 0")), 0.01);
    }

    [Fact]
    public void Whatever_the_board_says_no_more_is_handed_on_than_the_limit()
    {
        var book = new LeaseBook();
        book.Add(_one);
        Handed(book, ("one", "0 0 0 0 0"), ("two", "0 0 0 0 0"));
        for (int i = 1; i < 10; i++) Assert.InRange(Handed(book, ("one", $"0 0 0 0 {i}000000"), ("two", $"0 0 0 0 {i}000000")), 0, 100.001 * (i + 1));
    }

    [Fact]
    public void What_a_reactor_took_from_another_one_is_not_left_for_other_proxies()
    {
        var book = new LeaseBook();
        LeaseCell two = Cell(admitted: 0);
        (two.QueriesSpilled, two.QueriesTaken) = (1000, 400);
        book.Add(_one);
        book.Add(two);
        Assert.EndsWith(" 0.00", Line(book), StringComparison.Ordinal);
        two.QueriesSpilled += 10;
        Assert.EndsWith(" 10.00", Line(book), StringComparison.Ordinal);
        _one.QueriesTaken += 4;
        Assert.EndsWith(" 6.00", Line(book), StringComparison.Ordinal);
        book.Remove(two);
        Assert.EndsWith(" 6.00", Line(book), StringComparison.Ordinal);
    }

    // A second passes in which somebody asks.
    private string Line(LeaseBook book)
    {
        _now += Stopwatch.Frequency;
        _one.QueriesWanted += 50;
        Assert.True(book.TryMeasure(_now, out string line, out _));
        return line;
    }

    private string Wanted(LeaseBook book) => Line(book).Split(' ')[0];

    private double Handed(LeaseBook book, params (string Proxy, string Line)[] said)
    {
        Line(book);
        book.Take([.. said.Select(static each => new RateNote(each.Proxy, TimeSpan.Zero, each.Line))], 0, _now);
        return _one.Lease!.QueriesHanded;
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
