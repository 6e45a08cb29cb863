using System.Buffers.Binary;
using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Replication;

/// <summary>Logical replication out of a tenant through the proxy: who may, that real subscribers work, and how a stream lives and ends.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class ReplicationTests(ProxydWorld world)
{
    [Theory]
    [InlineData("acme", "owner", "database", "0A000", "a whole database")]
    [InlineData("initech", "owner", "database", "0A000", "--replication on")]
    [InlineData("stream15", "app", "database", "42501", "role owner")]
    [InlineData("stream18", "reader", "database", "42501", "role owner")]
    [InlineData("stream18", "owner", "true", "0A000", "replication=database")]
    [InlineData("stream18", "owner", "on", "0A000", "replication=database")]
    [InlineData("stream18", "owner", "DATABASE", "0A000", "replication=database")]
    [InlineData("stream18", "owner", "database", "", "")]
    [InlineData("stream18", "app", "off", "", "")]
    public async Task Who_may_replicate_and_what_others_are_told(string slug, string user, string value, string sqlState, string hint)
    {
        await ReplicationWorld.OfAsync(world);
        using RawClient client = await world.Proxyd.ConnectRawAsync();
        PgError? refused = await client.TryLoginAsync(user, slug, ProxydWorld.Password, [new("replication", value)]);
        Assert.Equal(sqlState, refused?.SqlState ?? "");
        Assert.Contains(hint, refused?.Hint ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxyctl_lets_no_tenant_replicate_where_that_is_not_safe()
    {
        ReplicationWorld here = await ReplicationWorld.OfAsync(world);
        Assert.Contains("max_slot_wal_keep_size", here.Unbounded, StringComparison.Ordinal);
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => world.ProxyctlAsync("tenant", "set", "acme", "--replication", "on"));
        Assert.Contains("model schema", refused.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task Pg_recvlogical_makes_a_slot_reads_it_and_drops_it(int version)
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(version);
        string target = $"{world.Proxyd.Uri(tenant, "owner")}?application_name=receiver&options=-c%20datestyle%3DISO", slot = $"received_{version}";
        string program = $"{Binaries.Postgres(15)}/pg_recvlogical";
        (await ProcessRunner.RunAsync(program, ["-d", target, "--slot", slot, "--create-slot", "-P", "test_decoding"])).MustSucceed("--create-slot");
        Assert.Equal(1, await tenant.Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{ReplicationWorld.PrefixOf(tenant)}{slot}'"));
        await using (NpgsqlConnection app = await world.Proxyd.OpenAsync(tenant))
        {
            ServerProcess receiver = await ServerProcess.StartAsync(program, ["-d", target, "--slot", slot, "--start", "-f", "-", "-F", "1"]);
            await app.RunAsync("INSERT INTO notes (body) VALUES ('received while it streams')");
            await ReplicationWorld.PollAsync(() => Task.FromResult(receiver.Output.Contains("received while it streams", StringComparison.Ordinal) || receiver.HasExited), receiver.Output);
            Assert.Contains("table public.notes: INSERT", receiver.Output, StringComparison.Ordinal);
            receiver.Signal(UnixSignal.Interrupt);
            await receiver.WaitForExitAsync(TimeSpan.FromSeconds(30));
        }
        (await ProcessRunner.RunAsync(program, ["-d", target, "--slot", slot, "--drop-slot"])).MustSucceed("--drop-slot");
        Assert.Equal(0, await tenant.Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '%received_{version}'"));
    }

    [Theory, InlineData(15, 18), InlineData(18, 15), InlineData(18, 17)]
    public async Task A_subscription_of_another_server_copies_tables_and_follows_changes(int version, int subscriber)
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(version);
        PostgresServer other = subscriber switch { 15 => world.Shard15, 18 => world.Shard18, _ => world.Registry };
        await using NpgsqlConnection owner = await world.Proxyd.OpenAsync(tenant, "owner");
        await owner.RunAsync("DROP PUBLICATION IF EXISTS p; DROP TABLE IF EXISTS a, b; CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY, t text)");
        await owner.RunAsync("INSERT INTO a SELECT i, 'row ' || i FROM generate_series(1, 5000) i; INSERT INTO b VALUES (1, 'b'); CREATE PUBLICATION p FOR TABLE a, b");
        string database = await other.CreateDatabaseAsync("subscriber");
        await other.ExecuteAsync("CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY, t text)", database);
        string target = $"host=127.0.0.1 port={world.Proxyd.Port} user=owner password=''{ProxydWorld.Password.Replace(" ", "\\ ", StringComparison.Ordinal)}'' dbname={tenant.Slug}"
            .Replace("''", "", StringComparison.Ordinal);
        await other.ExecuteAsync($"CREATE SUBSCRIPTION copy_of_{version} CONNECTION '{target}' PUBLICATION p", database);
        await ReplicationWorld.PollAsync(async () => await other.ScalarAsync<long>("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)", database) == 5001, "the copy of the tables", 60);
        await owner.RunAsync("UPDATE a SET t = 'changed' WHERE id <= 100; DELETE FROM a WHERE id > 4900; INSERT INTO b VALUES (2, 'later')");
        await ReplicationWorld.PollAsync(async () => await other.ScalarAsync<long>("SELECT count(*) FROM a WHERE t = 'changed'", database) == 100
            && await other.ScalarAsync<long>("SELECT count(*) FROM a", database) == 4900 && await other.ScalarAsync<string>("SELECT t FROM b WHERE id = 2", database) == "later", "the changes", 60);
        // Streams outlast the plan's statement time of 2 s.
        await Task.Delay(3000);
        await owner.RunAsync("INSERT INTO b VALUES (3, 'much later')");
        await ReplicationWorld.PollAsync(async () => await other.ScalarAsync<string>("SELECT t FROM b WHERE id = 3", database) == "much later", "the last change", 60);
        await other.ExecuteAsync($"DROP SUBSCRIPTION copy_of_{version}", database);
        Assert.Equal(0, await tenant.Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_replication_slots WHERE starts_with(slot_name, '{ReplicationWorld.PrefixOf(tenant)}')"));
        await owner.RunAsync("DROP PUBLICATION p; DROP TABLE a, b");
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task A_stream_takes_the_clients_word_and_ends_from_either_side(int version)
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(version);
        using RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        Assert.Equal("ready", await client.ScalarAsync("SELECT 'ready'"));
        IReadOnlyList<WireMessage> made = await client.QueryAsync("CREATE_REPLICATION_SLOT mine LOGICAL test_decoding");
        // The tenant never sees its prefix.
        Assert.DoesNotContain(ReplicationWorld.PrefixOf(tenant), string.Join('\n', made), StringComparison.Ordinal);
        Assert.Contains("mine", string.Join('\n', made), StringComparison.Ordinal);
        IReadOnlyList<WireMessage> twice = await client.QueryAsync("CREATE_REPLICATION_SLOT mine LOGICAL test_decoding");
        Assert.Contains("replication slot \\\"mine\\\" already exists", string.Join('\n', twice), StringComparison.Ordinal);
        await ReplicationWorld.StartAsync(client, "mine");
        await using NpgsqlConnection app = await world.Proxyd.OpenAsync(tenant);
        await app.RunAsync("INSERT INTO notes (body) VALUES ('first')");
        await ReplicationWorld.ReadUntilAsync(client, "first");

        // A standby status with a request to answer: the server's keepalive comes back.
        await client.SendAsync(Status(wantsAnswer: true));
        while (await client.NextAsync() is { } message && (message.Type != 'd' || message.Body[0] != 'k'))
        {
        }
        // What is wide passes in parts, both ways.
        await app.RunAsync("INSERT INTO notes (body) VALUES (repeat('wide ', 200000) || 'end of it')");
        await ReplicationWorld.ReadUntilAsync(client, "end of it");

        await client.SendAsync(FrontendBytes.Make(to => to.WriteEmpty(FrontendMessage.CopyDone)));
        IReadOnlyList<WireMessage> end = await client.ReadUntilAsync(BackendMessage.ReadyForQuery);
        Assert.Contains(end, message => message.Type == 'c');
        // And the connection serves on; data behind the end of a stream is dropped.
        await client.SendAsync(Status(wantsAnswer: true), FrontendBytes.Query("IDENTIFY_SYSTEM"));
        Assert.Contains(await client.ReadUntilAsync(BackendMessage.ReadyForQuery), message => message.Type == 'D');
        Assert.Contains("does not exist", string.Join('\n', await client.QueryAsync("START_REPLICATION SLOT other LOGICAL 0/0")), StringComparison.Ordinal);

        // A walsender streams once (its flags of a first stream's end stay set): a second stream needs a connection of its own.
        using RawClient again = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        await ReplicationWorld.StartAsync(again, "mine");
        await again.CancelAsync();
        Assert.Contains("57014", string.Join('\n', await again.ReadUntilAsync(BackendMessage.ReadyForQuery)), StringComparison.Ordinal);
        Assert.Equal("still here", await again.ScalarAsync("SELECT 'still here'"));
        Assert.DoesNotContain(await again.QueryAsync("DROP_REPLICATION_SLOT mine"), message => message.Type == 'E');
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task A_client_that_is_lost_leaves_no_walsender_and_no_permit(int version)
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(version);
        for (int round = 0; round < 3; round++)
        {
            RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
            await client.QueryAsync("CREATE_REPLICATION_SLOT lost TEMPORARY LOGICAL test_decoding");
            if (round == 1) await client.SendAsync(FrontendBytes.Query("COPY (SELECT pg_sleep(600)) TO STDOUT"));
            else await ReplicationWorld.StartAsync(client, "lost");
            if (round == 2) await client.SendAsync([(byte)'d', 0, 0, 1, 0, (byte)'r']);
            client.Dispose();
            await ReplicationWorld.PollAsync(async () => await Walsenders(tenant) == 0, "the end of the walsender");
        }
        // Eleven may replicate at a time: the permits of those that were lost are there.
        var all = new List<RawClient>();
        for (int i = 0; i < 11; i++) all.Add(await ReplicationWorld.ConnectAsync(world.Proxyd, tenant));
        using RawClient more = await world.Proxyd.ConnectRawAsync();
        Assert.Equal("53300", (await more.TryLoginAsync("owner", tenant.Slug, ProxydWorld.Password, [new("replication", "database")]))?.SqlState);
        using RawClient plain = await world.Proxyd.LoginRawAsync(tenant);
        Assert.Equal("1", await plain.ScalarAsync("SELECT 1"));
        foreach (RawClient client in all) client.Dispose();
        await ReplicationWorld.PollAsync(async () => await Walsenders(tenant) == 0, "the end of the walsenders");
    }

    [Fact]
    public async Task Slots_are_counted_also_inside_a_transaction()
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(18);
        using RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        // An error drops a session's temporary slots, so these are not.
        for (int i = 0; i < 4; i++) Assert.DoesNotContain(await client.QueryAsync($"CREATE_REPLICATION_SLOT s{i} LOGICAL pgoutput"), message => message.Type == 'E');
        Assert.Equal("4", await client.ScalarAsync("SELECT count(*) FROM proxysuite.replication_slots"));
        await client.QueryAsync("BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ");
        Assert.DoesNotContain(await client.QueryAsync("CREATE_REPLICATION_SLOT s4 LOGICAL pgoutput (SNAPSHOT 'use')"), message => message.Type == 'E');
        Assert.Contains("53400", string.Join('\n', await client.QueryAsync("CREATE_REPLICATION_SLOT s5 LOGICAL pgoutput (SNAPSHOT 'nothing')")), StringComparison.Ordinal);
        Assert.Contains("25P02", string.Join('\n', await client.QueryAsync("SELECT 1")), StringComparison.Ordinal);
        await client.QueryAsync("ROLLBACK");
        Assert.Contains("53400", string.Join('\n', await client.QueryAsync("CREATE_REPLICATION_SLOT s5 LOGICAL pgoutput")), StringComparison.Ordinal);
        Assert.DoesNotContain(await client.QueryAsync("DROP_REPLICATION_SLOT s4"), message => message.Type == 'E');
        Assert.DoesNotContain(await client.QueryAsync("CREATE_REPLICATION_SLOT s5 LOGICAL pgoutput"), message => message.Type == 'E');
        foreach (string slot in (string[])["s0", "s1", "s2", "s3", "s5"]) Assert.DoesNotContain(await client.QueryAsync($"DROP_REPLICATION_SLOT {slot}"), message => message.Type == 'E');
    }

    [Fact]
    public async Task A_query_has_the_plans_statement_time_and_a_copy_has_not()
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(15);
        using RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        Assert.Contains("57014", string.Join('\n', await client.QueryAsync("SELECT pg_sleep(60)")), StringComparison.Ordinal);
        Assert.Contains(await client.QueryAsync("COPY (SELECT pg_sleep(3), 'copied') TO STDOUT"), message => message.ToString().Contains("copied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_extended_protocol_and_texts_beyond_measure_end_the_connection_in_words()
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(18);
        using RawClient extended = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        await extended.SendAsync(FrontendBytes.Make(to => Wire.Messages.Parse.Write(to, ""u8, "SELECT 1"u8, [])));
        Assert.Contains("08P01", string.Join('\n', await extended.Wire.ReadToEndAsync()), StringComparison.Ordinal);
        using RawClient longer = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        await longer.SendAsync(FrontendBytes.Query($"SELECT '{new string('x', 70_000)}'"));
        Assert.Contains("54000", string.Join('\n', await longer.Wire.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_drain_ends_streams_in_words()
    {
        TestTenant tenant = await (await ReplicationWorld.OfAsync(world)).OwnAsync(15);
        await using Proxyd proxyd = await world.StartProxydAsync("--Shutdown:DrainTimeout=1m");
        using RawClient client = await ReplicationWorld.ConnectAsync(proxyd, tenant);
        await client.QueryAsync("CREATE_REPLICATION_SLOT drained TEMPORARY LOGICAL test_decoding");
        await ReplicationWorld.StartAsync(client, "drained");
        proxyd.Signal(UnixSignal.Terminate);
        Assert.Contains("57P01", string.Join('\n', await client.Wire.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal(0, await proxyd.ExitCodeAsync());
    }

    [Theory, InlineData(15, "s1"), InlineData(18, "s2")]
    public async Task What_a_plan_allowed_goes_when_it_allows_it_no_more_and_with_the_tenant(int version, string shard)
    {
        await ReplicationWorld.OfAsync(world);
        TestTenant tenant = await world.CreateTenantAsync($"brief{version}", "growth", "database", shard);
        await world.ProxyctlAsync("tenant", "set", tenant.Slug, "--replication", "on");
        string role = $"{tenant.Role}_repl";
        Assert.Equal("f f f f t f t 48", await tenant.Shard.ScalarAsync<string>(
            $"SELECT concat_ws(' ', left(rolsuper::text, 1), left(rolbypassrls::text, 1), left(rolcreaterole::text, 1), left(rolcreatedb::text, 1), left(rolreplication::text, 1), left(rolinherit::text, 1), left(rolcanlogin::text, 1), rolconnlimit) FROM pg_roles WHERE rolname = '{role}'"));
        Assert.Equal(0, await tenant.Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_auth_members WHERE '{role}'::regrole IN (member, roleid)"));
        await AuditedAsync(shard, role, isFound: false);
        using (RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant))
        {
            await client.QueryAsync("CREATE_REPLICATION_SLOT kept LOGICAL test_decoding");
            await ReplicationWorld.StartAsync(client, "kept");
            await world.ProxyctlAsync("tenant", "suspend", tenant.Slug, "--now", "--yes");
            Assert.Contains("57P01", string.Join('\n', await client.Wire.ReadToEndAsync()), StringComparison.Ordinal);
        }
        Assert.False(await tenant.Shard.ScalarAsync<bool>($"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'"));
        await world.ProxyctlAsync("tenant", "resume", tenant.Slug);
        Assert.True(await tenant.Shard.ScalarAsync<bool>($"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'"));
        using (RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant))
        {
            await ReplicationWorld.StartAsync(client, "kept");
            await world.ProxyctlAsync("tenant", "set", tenant.Slug, "--replication", "off");
            Assert.Contains("57P01", string.Join('\n', await client.Wire.ReadToEndAsync()), StringComparison.Ordinal);
        }
        Assert.Equal(0, await tenant.Shard.ScalarAsync<long>($"SELECT (SELECT count(*) FROM pg_roles WHERE rolname = '{role}') + (SELECT count(*) FROM pg_replication_slots WHERE database = '{tenant.Database}')"));
        await tenant.Shard.ExecuteAsync($"CREATE ROLE {role} LOGIN REPLICATION");
        await AuditedAsync(shard, role, isFound: true);
        await world.ProxyctlAsync("shard", "repair", shard, "--tenant", tenant.Slug);
        await AuditedAsync(shard, role, isFound: false);

        await world.ProxyctlAsync("tenant", "set", tenant.Slug, "--replication", "on");
        using RawClient last = await ReplicationWorld.ConnectAsync(world.Proxyd, tenant);
        await last.QueryAsync("CREATE_REPLICATION_SLOT at_the_end LOGICAL test_decoding");
        await ReplicationWorld.StartAsync(last, "at_the_end");
        await world.ProxyctlAsync("tenant", "delete", tenant.Slug, "--yes");
        await world.ProxyctlAsync("tenant", "purge", tenant.Slug, "--yes");
        Assert.Equal(0, await tenant.Shard.ScalarAsync<long>(
            $"SELECT (SELECT count(*) FROM pg_roles WHERE rolname LIKE '{tenant.Role}%') + (SELECT count(*) FROM pg_replication_slots WHERE starts_with(slot_name, '{ReplicationWorld.PrefixOf(tenant)}')) + (SELECT count(*) FROM pg_database WHERE datname = '{tenant.Database}')"));
    }

    private async Task AuditedAsync(string shard, string role, bool isFound)
    {
        string report;
        try
        {
            report = (await world.ProxyctlAsync("audit", "--shard", shard, "--json")).Output;
        }
        catch (InvalidOperationException found)
        {
            // Findings have an exit code.
            report = found.Message;
        }
        Assert.True(isFound == report.Contains(role, StringComparison.Ordinal), report);
        if (isFound) Assert.Contains("REPLICATION_ROLE", report, StringComparison.Ordinal);
    }

    private static Task<long> Walsenders(TestTenant tenant) => tenant.Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{tenant.Role}_repl'");

    private static byte[] Status(bool wantsAnswer)
    {
        byte[] status = new byte[5 + 34];
        (status[0], status[5], status[38]) = ((byte)'d', (byte)'r', (byte)(wantsAnswer ? 1 : 0));
        BinaryPrimitives.WriteInt32BigEndian(status.AsSpan(1), 38);
        return status;
    }
}
