using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class SqlScannerTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData(" ;; -- nothing\n;/* ; */", 0)]
    [InlineData("SELECT 1", 1)]
    [InlineData("SELECT 1; ; \f\v", 1)]
    [InlineData("SELECT 1;SELECT 2", 2)]
    [InlineData("SELECT ';'; SELECT 2", 2)]
    [InlineData("SELECT 'it''s;'; SELECT 2", 2)]
    [InlineData(@"SELECT '\'; SELECT 2", 2)]
    [InlineData(@"SELECT E'\';'; SELECT 2", 2)]
    [InlineData(@"SELECT E'a''\';'; SELECT 2", 2)]
    [InlineData("SELECT E'a' -- x\n 'b\\';'; SELECT 2", 2)]
    [InlineData("SELECT E'a' 'b\\'; SELECT 2", 2)]
    [InlineData(@"SELECT name'\'; SELECT 2", 2)]
    [InlineData(@"SELECT U&'\'; SELECT 2", 2)]
    [InlineData("SELECT \"a;\"\"b;\"; SELECT 2", 2)]
    [InlineData("SELECT $$;$$; SELECT 2", 2)]
    [InlineData("SELECT $t$;$$;$u$;$t$; SELECT 2", 2)]
    [InlineData("SELECT $b$a$;$b$; SELECT 2", 2)]
    [InlineData("SELECT a$b$;SELECT 2", 2)]
    [InlineData("SELECT $1;SELECT $2", 2)]
    [InlineData("SELECT $1$a$;$a$; SELECT 2", 2)]
    [InlineData("SELECT $é$;$é$; SELECT 2", 2)]
    [InlineData("SELECT 1 /* ; /* ; */ ; */; SELECT 2", 2)]
    [InlineData("SELECT 1 -- ;\r; SELECT 2", 2)]
    [InlineData("SELECT 1 -- ;\n; SELECT 2", 2)]
    [InlineData("SELECT 1 -- ;", 1)]
    [InlineData("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", 2)]
    public void Statements_are_counted_as_the_server_splits_them(string sql, int count) => Assert.Equal(count, Scan(sql).StatementCount);

    private static StatementFacts Scan(string sql) => SqlScanner.Scan(Encoding.UTF8.GetBytes(sql));
}
