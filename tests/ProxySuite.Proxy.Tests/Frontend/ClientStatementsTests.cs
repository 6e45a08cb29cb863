using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Frontend;

public sealed class ClientStatementsTests
{
    private static readonly SharedStatement One = new StatementCatalog().Intern("SELECT 1\0\0\0"u8, SessionSettings.None);

    [Fact]
    public void A_client_that_never_stops_preparing_is_stopped()
    {
        var statements = new ClientStatements();
        Assert.Throws<PgProtocolException>(() =>
        {
            for (int i = 0; i < 10_000; i++) statements.Add(LongName(i), One);
        });
        Assert.InRange(statements.Count * 60_000L, ClientStatements.BytesMax / 2, ClientStatements.BytesMax + 120_000);
    }

    [Fact]
    public void A_client_that_closes_what_it_prepared_may_go_on_for_ever()
    {
        var statements = new ClientStatements();
        for (int i = 0; i < 10_000; i++)
        {
            StatementBinding binding = statements.Add(LongName(i), One);
            statements.Remove(binding);
            statements.Restore(binding);
            statements.Remove(binding);
            if (i % 100 == 0) statements.Add(LongName(i), One);
            if (i % 200 == 0) statements.Clear();
        }
        Assert.InRange(statements.Count, 0, 2);
    }

    private static byte[] LongName(int number) => Encoding.ASCII.GetBytes($"{number}_{new string('n', 60_000)}");
}
