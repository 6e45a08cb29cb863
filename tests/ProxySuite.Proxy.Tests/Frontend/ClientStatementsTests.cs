using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

public sealed class ClientStatementsTests
{
    private static readonly SharedStatement Long = new StatementCatalog().Intern(Encoding.ASCII.GetBytes($"SELECT '{new string('n', 60_000)}'\0\0\0"), SessionSettings.None);

    [Fact]
    public void A_client_that_never_stops_preparing_is_stopped()
    {
        var statements = new ClientStatements();
        Assert.Throws<PgProtocolException>(() =>
        {
            for (int i = 0; i < 10_000; i++) statements.Add(Name(i), Long);
        });
        Assert.InRange(statements.Count * 60_000L, ClientStatements.BytesMax / 2, ClientStatements.BytesMax + 120_000);
    }

    [Fact]
    public void A_client_that_closes_what_it_prepared_may_go_on_for_ever()
    {
        var statements = new ClientStatements();
        for (int i = 0; i < 10_000; i++)
        {
            StatementBinding binding = statements.Add(Name(i), Long);
            statements.Remove(binding);
            statements.Restore(binding);
            statements.Remove(binding);
            if (i % 100 == 0) statements.Add(Name(i), Long);
            if (i % 200 == 0) statements.Clear();
        }
        Assert.InRange(statements.Count, 0, 2);
    }

    [Fact]
    public void Names_count_to_their_63rd_byte_as_on_a_server()
    {
        var statements = new ClientStatements();
        StatementBinding binding = statements.Add(Encoding.ASCII.GetBytes(new string('n', 70)), Long);
        Assert.Same(binding, statements.Find(Encoding.ASCII.GetBytes(new string('n', 63) + "other")));
        Assert.Null(statements.Find(Encoding.ASCII.GetBytes(new string('n', 62))));
    }

    private static byte[] Name(int number) => Encoding.ASCII.GetBytes($"s{number}");
}
