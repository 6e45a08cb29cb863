using System.Text;
using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

public sealed class SettingChangeTests
{
    [Theory]
    [InlineData("SET work_mem = '8MB'", "work_mem", "'8MB'")]
    [InlineData("SET sort_mem = 8192", "work_mem", "8192")]
    [InlineData("set Work_Mem to 8", "work_mem", "8")]
    [InlineData("SET SESSION \"search_path\" = a, \"B\"", "search_path", "a, \"B\"")]
    [InlineData("SET app.user = 'it''s'", "app.user", "'it''s'")]
    [InlineData("SET TIME ZONE 'Asia/Tokyo'", "timezone", "'Asia/Tokyo'")]
    [InlineData("SET NAMES 'UTF8'", "client_encoding", "'UTF8'")]
    [InlineData("SET SCHEMA 'a'", "search_path", "'a'")]
    [InlineData("SET TIME ZONE INTERVAL '+01:00' HOUR TO MINUTE", "timezone", "INTERVAL '+01:00' HOUR TO MINUTE")]
    [InlineData("SET TIME ZONE -3", "timezone", "-3")]
    [InlineData("SET XML OPTION DOCUMENT", "xmloption", "DOCUMENT")]
    [InlineData("SET standard_conforming_strings = on", "standard_conforming_strings", "on")]
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "default_transaction_read_only", "on")]
    [InlineData("SELECT pg_catalog.set_config('search_path', '', false);", "search_path", "''")]
    [InlineData("SELECT set_config('search_path', 'A, \"B,\"\"c\"', false)", "search_path", "\"a\", \"B,\"\"c\"")]
    [InlineData("SELECT set_config('TimeZone', 'it''s', false)", "timezone", "'it''s'")]
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
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION SNAPSHOT '1'")]
    [InlineData("SET standard_conforming_strings = off")]
    [InlineData("SELECT set_config('role', 'other', false)")]
    [InlineData("SELECT set_config('search_path', 'a', true)")]
    [InlineData("SELECT set_config('search_path', '\"a', false)")]
    [InlineData("SELECT set_config('temp_tablespaces', 'a, b', false)")]
    [InlineData("SELECT set_config('a.b', 'c', false); SELECT set_config('role', 'x', false)")]
    [InlineData("SET a = 1; SET ROLE x")]
    [InlineData("LISTEN U&\"a\"")]
    [InlineData("SET seed = 0.5")]
    [InlineData("SET transaction_isolation = 'serializable'")]
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

    [Fact]
    public void A_text_of_several_sets_is_all_of_them()
        => Assert.Equal(
            [new SettingChange("a", "1"), new SettingChange("timezone", null), new SettingChange("default_transaction_isolation", "'serializable'"), new SettingChange("default_transaction_deferrable", "off")],
            Assert.IsType<SessionChanges>(Read("SET a = 1; SET LOCAL b = 2; RESET TIME ZONE; SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, NOT DEFERRABLE;")).All.SelectMany(Flat));

    [Fact]
    public void Channels_and_savepoints_are_changes()
    {
        Assert.Equal("my Channel", Encoding.UTF8.GetString(Assert.IsType<ChannelChange>(Read("LISTEN \"my Channel\"")).Channel!));
        Assert.Same(ChannelChange.UnlistenAll, Read("UNLISTEN *"));
        Assert.Equal(new SavepointChange(StatementKind.Rollback, "s"), Read("ROLLBACK TO SAVEPOINT s"));
        Assert.Equal(new SavepointChange(StatementKind.Savepoint, "s"), Read("SAVEPOINT s; SET ROLE x"));
    }

    private static IEnumerable<SessionChange> Flat(SessionChange change) => change is SessionChanges several ? several.All : [change];

    private static SessionChange? Read(string sql)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(sql);
        return SessionChange.From(bytes, SqlScanner.Scan(bytes));
    }
}
