using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>What the users of a tenant may do (C3), and what its plan gives them (A6, A7).</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class RolesAndLimitsTests(ProxydWorld world)
{
    public static TheoryData<string> Models => ["acme", "globex", "initech"];

    [Theory, MemberData(nameof(Models))]
    public async Task A_readonly_user_reads_and_cannot_write(string slug)
    {
        TestTenant tenant = Tenant(slug);
        await using (NpgsqlConnection app = await world.Proxyd.OpenAsync(tenant))
        {
            await app.RunAsync("DELETE FROM notes; INSERT INTO notes (body) VALUES ('to be read')");
        }
        await using NpgsqlConnection reader = await world.Proxyd.OpenAsync(tenant, "reader");
        Assert.Equal("to be read", await reader.ReadAsync<string>("SELECT string_agg(body, ',') FROM notes"));
        foreach (string statement in (string[])[
            "INSERT INTO notes (body) VALUES ('x')", "UPDATE notes SET body = 'x'", "DELETE FROM notes", "TRUNCATE notes", "COPY notes (body) FROM STDIN",
            "CREATE TABLE mine (id int)", "DROP TABLE notes", "ALTER TABLE notes ADD COLUMN x int", "SELECT nextval('notes_id_seq')",
            "SET default_transaction_read_only = off; INSERT INTO notes (body) VALUES ('x')", "BEGIN READ WRITE; DELETE FROM notes",
        ])
        {
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => reader.RunAsync(statement));
            Assert.True(refused.SqlState is "42501" or "25006", $"{statement}: {refused.SqlState} {refused.MessageText}");
            await reader.RunAsync("ROLLBACK");
        }
        Assert.Equal("to be read", await reader.ReadAsync<string>("SELECT string_agg(body, ',') FROM notes"));
    }

    [Theory, MemberData(nameof(Models))]
    public async Task An_app_user_writes_rows_and_makes_no_tables(string slug)
    {
        await using NpgsqlConnection app = await world.Proxyd.OpenAsync(Tenant(slug));
        foreach (string statement in (string[])[
            "CREATE TABLE mine (id int)", "DROP TABLE notes", "ALTER TABLE notes ADD COLUMN x int", "TRUNCATE notes", "CREATE SCHEMA mine", "CREATE DATABASE mine",
            "CREATE TABLE public.mine (id int)",
        ])
        {
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => app.RunAsync(statement));
            Assert.True(refused.SqlState == "42501", $"{statement}: {refused.SqlState} {refused.MessageText}");
        }
    }

    [Theory, InlineData("acme"), InlineData("initech")]
    public async Task Tables_that_the_owner_makes_are_used_by_app_and_read_by_readonly(string slug)
    {
        TestTenant tenant = Tenant(slug);
        await using NpgsqlConnection owner = await world.Proxyd.OpenAsync(tenant, "owner");
        await using NpgsqlConnection app = await world.Proxyd.OpenAsync(tenant);
        await using NpgsqlConnection reader = await world.Proxyd.OpenAsync(tenant, "reader");
        await owner.RunAsync("CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text); CREATE VIEW items AS SELECT item FROM orders");
        try
        {
            await app.RunAsync("INSERT INTO orders (item) VALUES ('pen'), ('ink')");
            Assert.Equal("ink,pen", await reader.ReadAsync<string>("SELECT string_agg(item, ',' ORDER BY item) FROM items"));
            await using var all = new NpgsqlCommand("SELECT * FROM orders WHERE id = 1", app);
            await all.PrepareAsync();
            await using (NpgsqlDataReader before = await all.ExecuteReaderAsync()) Assert.Equal(2, before.FieldCount);
            await owner.RunAsync("ALTER TABLE orders ADD COLUMN amount int NOT NULL DEFAULT 3; CREATE INDEX ON orders (item)");
            Assert.Equal(6, await reader.ReadAsync<long>("SELECT sum(amount) FROM orders"));
            await Assert.ThrowsAsync<PostgresException>(() => app.RunAsync("ALTER TABLE orders DROP COLUMN amount"));
        }
        finally
        {
            await owner.RunAsync("DROP VIEW items; DROP TABLE orders");
        }
    }

    [Theory]
    [InlineData("globex", "5s", "4MB")]
    [InlineData("acme", "1min", "64MB")]
    [InlineData("initech", "5min", "256MB")]
    public async Task The_plan_is_what_a_session_starts_with_and_falls_back_to(string slug, string statementTimeout, string workMem)
    {
        TestTenant tenant = Tenant(slug);
        foreach (string user in tenant.Users)
        {
            using RawClient client = await world.Proxyd.LoginRawAsync(tenant, user);
            await AssertPlanAsync();
            foreach (string wayBack in (string[])["RESET ALL", "DISCARD ALL", "RESET statement_timeout; RESET work_mem; RESET search_path; RESET app.current_tenant_id"])
            {
                await client.QueryAsync("SET statement_timeout = '4s'; SET work_mem = '1MB'; SET search_path = pg_catalog");
                Assert.Equal("4s", await client.ScalarAsync("SHOW statement_timeout"));
                Assert.Equal("pg_catalog", await client.ScalarAsync("SHOW search_path"));
                await client.QueryAsync(wayBack);
                await AssertPlanAsync();
            }

            async Task AssertPlanAsync()
            {
                Assert.Equal(statementTimeout, await client.ScalarAsync("SHOW statement_timeout"));
                Assert.Equal(workMem, await client.ScalarAsync("SHOW work_mem"));
                Assert.Equal(tenant.Schema, (await client.ScalarAsync("SHOW search_path"))!.Trim('"'));
                Assert.Equal(tenant.Id.ToString(), await client.ScalarAsync("SHOW app.current_tenant_id"));
            }
        }
    }

    [Fact]
    public async Task A_statement_that_takes_longer_than_the_plan_allows_is_ended()
    {
        await world.ProxyctlAsync("plan", "set", "brief", "--connections", "2", "--statement-timeout", "200ms", "--work-mem", "4MB");
        TestTenant brief = await world.CreateTenantAsync("brief", "brief", "pool", "s2");
        await using NpgsqlConnection connection = await world.Proxyd.OpenAsync(brief);
        PostgresException ended = await Assert.ThrowsAsync<PostgresException>(() => connection.RunAsync("SELECT pg_sleep(50)"));
        Assert.Equal("57014", ended.SqlState);
        Assert.Equal(1, await connection.ReadAsync<int>("SELECT 1"));
    }

    [Fact]
    public async Task What_one_client_sets_no_other_client_of_the_tenant_sees()
    {
        using RawClient setter = await world.Proxyd.LoginRawAsync(world.Globex);
        using RawClient other = await world.Proxyd.LoginRawAsync(world.Globex);
        await setter.QueryAsync("SET statement_timeout = '1s'; SET application_name = 'setter'; SET TimeZone = 'Asia/Tokyo'");
        await setter.QueryAsync("SELECT set_config('search_path', 'pg_catalog', false)");
        // On a tenant with two servers, each of both clients' statements may run on either.
        for (int round = 0; round < 20; round++)
        {
            Assert.Equal("5s", await other.ScalarAsync("SHOW statement_timeout"));
            Assert.Equal("", await other.ScalarAsync("SHOW application_name"));
            Assert.Equal("public", (await other.ScalarAsync("SHOW search_path"))!.Trim('"'));
            Assert.Equal("1s", await setter.ScalarAsync("SHOW statement_timeout"));
            Assert.Equal("setter", await setter.ScalarAsync("SHOW application_name"));
            Assert.Equal("Asia/Tokyo", await setter.ScalarAsync("SHOW TimeZone"));
            Assert.Equal("pg_catalog", await setter.ScalarAsync("SHOW search_path"));
        }
    }

    private TestTenant Tenant(string slug) => slug switch { "acme" => world.Acme, "globex" => world.Globex, _ => world.Initech };
}
