using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

public sealed class SettingChangeTests
{
    [Theory]
    [InlineData("SET work_mem = '8MB'", "work_mem", "'8MB'")]
    [InlineData("set Work_Mem to 8", "work_mem", "8")]
    [InlineData("SET SESSION \"search_path\" = a, \"B\"", "search_path", "a, \"B\"")]
    [InlineData("SET app.user = 'it''s'", "app.user", "'it''s'")]
    [InlineData("SET TIME ZONE 'Asia/Tokyo'", "timezone", "'Asia/Tokyo'")]
    [InlineData("SET NAMES 'UTF8'", "client_encoding", "'UTF8'")]
    [InlineData("SET SCHEMA 'a'", "search_path", "'a'")]
    [InlineData("/* c */ SET x = 1 ; -- end", "x", "1")]
    public void A_plain_set_can_be_repeated(string sql, string name, string value) => Assert.Equal(new SettingChange(name, value), Read(sql));

    [Theory]
    [InlineData("SET work_mem TO DEFAULT", "work_mem")]
    [InlineData("RESET work_mem", "work_mem")]
    [InlineData("RESET TIME ZONE", "timezone")]
    [InlineData("SET TIME ZONE LOCAL", "timezone")]
    [InlineData("SET TIME ZONE DEFAULT", "timezone")]
    [InlineData("SET NAMES", "client_encoding")]
    [InlineData("RESET ALL", null)]
    public void A_reset_is_a_change_without_a_value(string sql, string? name) => Assert.Equal(new SettingChange(name, null), Read(sql));

    [Theory]
    [InlineData("SELECT 1")]
    [InlineData("SET LOCAL work_mem = 1")]
    [InlineData("SET ROLE other")]
    [InlineData("SET SESSION AUTHORIZATION other")]
    [InlineData("RESET ROLE")]
    [InlineData("SET TRANSACTION READ ONLY")]
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")]
    [InlineData("SET TIME ZONE INTERVAL '1' HOUR")]
    [InlineData("SET seed = 0.5")]
    [InlineData("SET transaction_isolation = 'serializable'")]
    [InlineData("SET a = 1; SET b = 2")]
    [InlineData("SET \"na;me\" = 1")]
    public void What_cannot_be_repeated_as_it_stands_is_none(string sql) => Assert.Null(Read(sql));

    [Fact]
    public void A_reset_falls_back_to_what_the_client_started_with()
    {
        SessionSettings startup = SessionSettings.None.With("timezone", "'UTC'");
        SessionSettings changed = new SettingChange("timezone", "'Asia/Tokyo'").Apply(startup, startup);
        Assert.Equal("'Asia/Tokyo'", changed.Find("timezone"));
        Assert.Equal(startup, new SettingChange("timezone", null).Apply(changed, startup));
        Assert.Equal(startup, new SettingChange(null, null).Apply(changed.With("x", "1"), startup));
        Assert.Equal(SessionSettings.None, new SettingChange("x", null).Apply(SessionSettings.None.With("x", "1"), SessionSettings.None));
    }

    private static SettingChange? Read(string sql)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(sql);
        return SettingChange.From(bytes, SqlScanner.Scan(bytes));
    }
}
