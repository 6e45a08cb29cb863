using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class SettingStatementTests
{
    private const StatementTraits Identity = StatementTraits.SetRoleOrAuthorization;

    [Theory]
    [InlineData("SET search_path = a, b", SettingForm.Assign, "search_path", "a, b")]
    [InlineData("set Search_Path to 'a', \"B\" ; ", SettingForm.Assign, "Search_Path", "'a', \"B\"")]
    [InlineData("SET SESSION statement_timeout = '5s'", SettingForm.Assign, "statement_timeout", "'5s'")]
    [InlineData("SET/**/app.tenant--\n=/* x */'a' -- y", SettingForm.Assign, "app.tenant", "'a'")]
    [InlineData("SET app . tenant = -1.5", SettingForm.Assign, "app . tenant", "-1.5")]
    [InlineData("SET \"app\".\"x\" TO DEFAULT", SettingForm.Assign, "\"app\".\"x\"", "DEFAULT")]
    [InlineData("SET local.x = 1", SettingForm.Assign, "local.x", "1")]
    [InlineData("SET session.x TO 1", SettingForm.Assign, "session.x", "1")]
    [InlineData("SET time.zone = 1", SettingForm.Assign, "time.zone", "1")]
    [InlineData("SET names.x = 1", SettingForm.Assign, "names.x", "1")]
    [InlineData("SET TIME ZONE 'Europe/Berlin'", SettingForm.TimeZone, "TIME ZONE", "'Europe/Berlin'")]
    [InlineData("SET SESSION TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE", SettingForm.TimeZone, "TIME ZONE", "INTERVAL '-08:00' HOUR TO MINUTE")]
    [InlineData("SET NAMES 'utf8'", SettingForm.Names, "NAMES", "'utf8'")]
    [InlineData("SET NAMES", SettingForm.Names, "NAMES", "")]
    [InlineData("SET SCHEMA 'a'", SettingForm.Schema, "SCHEMA", "'a'")]
    [InlineData("RESET search_path", SettingForm.Reset, "search_path", "")]
    [InlineData("RESET app.x;", SettingForm.Reset, "app.x", "")]
    [InlineData("RESET TIME ZONE", SettingForm.Reset, "TIME ZONE", "")]
    [InlineData("RESET all", SettingForm.ResetAll, "", "")]
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", SettingForm.Characteristics, "SESSION CHARACTERISTICS", "AS TRANSACTION READ ONLY")]
    [InlineData("SET XML OPTION DOCUMENT", SettingForm.XmlOption, "XML OPTION", "DOCUMENT")]
    [InlineData("SET x FROM CURRENT", SettingForm.Other, "", "")]
    [InlineData("SET x", SettingForm.Other, "", "")]
    public void A_lone_SET_or_RESET_tells_name_and_value_of_a_setting_of_the_session(string sql, SettingForm form, string name, string value)
        => AssertSetting(sql, StatementTraits.SetsSession, form, name, value);

    [Theory]
    [InlineData("SET LOCAL a = 1", SettingForm.Assign, "a", "1")]
    [InlineData("SET LOCAL TIME ZONE 'UTC'", SettingForm.TimeZone, "TIME ZONE", "'UTC'")]
    [InlineData("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", SettingForm.Other, "", "")]
    [InlineData("SET LOCAL TRANSACTION READ ONLY", SettingForm.Other, "", "")]
    [InlineData("SET CONSTRAINTS ALL DEFERRED", SettingForm.Other, "", "")]
    public void What_ends_with_the_transaction_is_told_apart(string sql, SettingForm form, string name, string value)
        => AssertSetting(sql, StatementTraits.SetLocal, form, name, value);

    [Theory]
    [InlineData("SET LOCAL standard_conforming_strings = off", SettingForm.Assign, "standard_conforming_strings", "off")]
    [InlineData("SET LOCAL \"Backslash_Quote\" TO on", SettingForm.Assign, "\"Backslash_Quote\"", "on")]
    [InlineData("SET LOCAL client_encoding = 'sjis'", SettingForm.Assign, "client_encoding", "'sjis'")]
    [InlineData("SET LOCAL NAMES 'sjis'", SettingForm.Names, "NAMES", "'sjis'")]
    public void A_local_change_of_how_texts_are_read_is_seen(string sql, SettingForm form, string name, string value)
        => AssertSetting(sql, StatementTraits.SetLocal | StatementTraits.ChangesReading, form, name, value);

    [Theory]
    [InlineData("SET ROLE x", SettingForm.Role, "ROLE", "x")]
    [InlineData("SET SESSION ROLE NONE", SettingForm.Role, "ROLE", "NONE")]
    [InlineData("SET role = x", SettingForm.Assign, "role", "x")]
    [InlineData("SET \"Role\" TO x", SettingForm.Assign, "\"Role\"", "x")]
    [InlineData("SET SESSION AUTHORIZATION x", SettingForm.SessionAuthorization, "SESSION AUTHORIZATION", "x")]
    [InlineData("SET SESSION SESSION AUTHORIZATION DEFAULT", SettingForm.SessionAuthorization, "SESSION AUTHORIZATION", "DEFAULT")]
    [InlineData("SET session_authorization TO x", SettingForm.Assign, "session_authorization", "x")]
    [InlineData("SET \"session_authorization\" = 'x'", SettingForm.Assign, "\"session_authorization\"", "'x'")]
    [InlineData("RESET ROLE", SettingForm.Reset, "ROLE", "")]
    [InlineData("RESET \"role\"", SettingForm.Reset, "\"role\"", "")]
    [InlineData("RESET SESSION AUTHORIZATION", SettingForm.Reset, "SESSION AUTHORIZATION", "")]
    [InlineData("RESET session_authorization", SettingForm.Reset, "session_authorization", "")]
    public void A_change_of_identity_is_seen_in_every_spelling(string sql, SettingForm form, string name, string value)
        => AssertSetting(sql, StatementTraits.SetsSession | Identity, form, name, value);

    [Fact]
    public void A_local_change_of_identity_is_both()
    {
        AssertSetting("SET LOCAL ROLE x", StatementTraits.SetLocal | Identity, SettingForm.Role, "ROLE", "x");
        const string Name = "SESSION AUTHORIZATION";
        AssertSetting("SET LOCAL SESSION AUTHORIZATION x", StatementTraits.SetLocal | Identity, SettingForm.SessionAuthorization, Name, "x");
    }

    [Theory]
    [InlineData("SET search_path = E'pg\\x5ftemp'")]
    [InlineData("SET search_path = U&'pg\\005ftemp'")]
    [InlineData("SET SCHEMA E'pg\\x5ftemp'")]
    [InlineData("SET search_path = pg_temp")]
    public void A_path_that_may_lead_into_the_temporary_schema_counts_as_temporary(string sql)
        => Assert.Equal(StatementTraits.SetsSession | StatementTraits.CreatesTemp, SqlScanner.Scan(Encoding.UTF8.GetBytes(sql)).Traits);

    [Theory]
    [InlineData("SET a = 1; SET b = 2")]
    [InlineData("SET a = 1; SELECT 1")]
    [InlineData("SELECT 1; SET a = 1")]
    public void Beside_other_statements_a_SET_shows_its_trait_alone(string sql)
    {
        StatementFacts facts = SqlScanner.Scan(Encoding.UTF8.GetBytes(sql));
        Assert.Equal(StatementTraits.SetsSession, facts.Traits);
        Assert.Equal(SettingForm.None, facts.SettingForm);
    }

    [Theory]
    [InlineData("SET")]
    [InlineData("RESET")]
    [InlineData("SET;")]
    [InlineData("SET LOCAL")]
    [InlineData("SET SESSION")]
    [InlineData("SET a.")]
    [InlineData("SET a =")]
    [InlineData("SET TIME ZONE;")]
    [InlineData("RESET 'x'")]
    public void A_SET_that_is_cut_short_is_read_without_harm(string sql)
    {
        const StatementTraits Sets = StatementTraits.SetsSession | StatementTraits.SetLocal;
        Assert.NotEqual(StatementTraits.None, SqlScanner.Scan(Encoding.UTF8.GetBytes(sql)).Traits & Sets);
    }

    private static void AssertSetting(string sql, StatementTraits traits, SettingForm form, string name, string value)
    {
        StatementFacts facts = SqlScanner.Scan(Encoding.UTF8.GetBytes(sql));
        Assert.Equal((traits, form), (facts.Traits, facts.SettingForm));
        Assert.Equal((name, value), (sql[facts.SettingName], sql[facts.SettingValue]));
    }
}
