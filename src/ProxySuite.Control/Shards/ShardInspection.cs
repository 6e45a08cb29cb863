using System.Collections.Immutable;
using System.Globalization;
using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Shards;

/// <summary>Looks at a server that is to hold tenants: what makes it unfit, and what is worth changing.</summary>
internal static class ShardInspection
{
    /// <summary>The oldest server: 15 brought SET privileges on parameters and schemas that only their owner may create in.</summary>
    private const int VersionMin = 150000;

    private const string Facts =
        """
        SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
               (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), current_user::text,
               (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database())
        """;

    /// <returns>The server's version as it prints it.</returns>
    /// <exception cref="ControlException">The server cannot hold tenants, and why.</exception>
    public static async Task<string> RequireFitAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var facts = (await connection.QueryAsync(Facts, row => new
        {
            Number = row.GetInt32(0),
            Text = row.GetString(1),
            InRecovery = row.GetBoolean(2),
            Superuser = row.GetBoolean(3),
            User = row.GetString(4),
            Encoding = row.GetString(5),
        }, cancellationToken))[0];
        if (facts.Number < VersionMin) throw new ControlException($"the server runs PostgreSQL {facts.Text}; 15 or newer is needed", "Upgrade the shard's server.");
        if (facts.InRecovery) throw new ControlException("the server is a standby", "Name the primary in the shard's DSN, or several hosts of which one is the primary.");
        if (!facts.Superuser)
        {
            throw new ControlException($"role \"{facts.User}\" is no superuser, and the lockdown changes privileges on PostgreSQL's own functions",
                "Use a superuser in the shard's DSN.");
        }
        if (facts.Encoding != "UTF8") throw new ControlException($"the shard's database is encoded in {facts.Encoding}; tenants need UTF8", "Create the database with ENCODING 'UTF8'.");
        return facts.Text;
    }

    /// <summary>Settings that are needed by features switched on later, or that make the server safer; nothing here stops a preparation.</summary>
    public static async Task<ImmutableArray<ShardSetting>> ReadSettingsAsync(NpgsqlConnection connection, Shard shard, CancellationToken cancellationToken)
    {
        Dictionary<string, string> settings = (await connection.QueryAsync(
            "SELECT name, setting FROM pg_settings", row => (Name: row.GetString(0), Value: row.GetString(1)), cancellationToken))
            .ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
        int connectionsNeeded = shard.ConnectionsMax + Number("superuser_reserved_connections") + 10;
        ImmutableArray<ShardSetting> findings =
        [
            Check("wal_level", value => value == "logical", "set wal_level = logical (restart): tenants are moved and backed up by logical replication"),
            Check("max_replication_slots", _ => Number("max_replication_slots") >= 10, "set it to 10 or more (restart): a move takes two slots, the archive one"),
            Check("max_wal_senders", _ => Number("max_wal_senders") >= 10, "set it to 10 or more (restart): a move takes two, the archive one"),
            Check("max_slot_wal_keep_size", value => value != "-1", "give it a bound, such as 50GB: a slot whose reader is gone fills the disk"),
            Check("max_connections", _ => Number("max_connections") >= connectionsNeeded,
                string.Create(CultureInfo.InvariantCulture, $"set it to {connectionsNeeded} or more (restart): proxies open up to {shard.ConnectionsMax}")),
            Check("password_encryption", value => value == "scram-sha-256", "set it to scram-sha-256"),
            Check("ssl", value => value == "on" || shard.Primary.All(host => host.IsUnixSocket), "switch it on unless proxies reach the server over a network that nobody else can listen to"),
            Check("max_prepared_transactions", value => value == "0", "set it to 0 (restart): prepared transactions of one tenant hold locks nobody else can end"),
            Check("log_statement", value => value is "none" or "ddl", "set it to none or ddl: statement texts hold tenants' data"),
        ];
        List<string> extensions = await connection.QueryAsync(
            "SELECT extname FROM pg_extension WHERE extname IN ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'plperl', 'plperlu', 'plpython3u', 'pltcl', 'pltclu') ORDER BY 1",
            row => row.GetString(0), cancellationToken);
        return extensions.Count == 0 ? findings : findings.Add(new ShardSetting("extensions", string.Join(", ", extensions),
            "drop them or close them to tenants: they keep connections or state beyond DISCARD ALL, or reach outside the database"));

        ShardSetting Check(string name, Func<string, bool> isFine, string advice) => new(name, settings[name], isFine(settings[name]) ? null : advice);
        int Number(string name) => int.Parse(settings[name], CultureInfo.InvariantCulture);
    }

    /// <summary>Lines for pg_hba.conf: tenants' roles come from the proxies alone. Order counts, the first line that fits decides.</summary>
    public static ImmutableArray<string> HostRules(NpgsqlConnection connection)
    {
        var login = new NpgsqlConnectionStringBuilder(connection.ConnectionString);
        string control = $"hostssl all {login.Username ?? Environment.UserName} <address of the control plane>/32 scram-sha-256";
        const string Others = "host    all all all reject";
        const string Databases = "\"/^tenant_[0-9a-f]{32}$\"", Roles = "\"/^(t_[0-9a-f]{32}|s_[0-9a-f]{16}|ps_auditor)\"";
        // Since 16 names may be patterns: proxies then come as tenants' roles and the auditor alone, to tenants' databases alone. Before, a group would have
        // to hold every role, and on 15 each member could become it.
        return connection.PostgreSqlVersion.Major >= 16
            ? [control, $"hostssl {connection.Database},{Databases} {Roles} <address of each proxy>/32 scram-sha-256", Others]
            : [control, "hostssl all all <address of each proxy>/32 scram-sha-256", Others];
    }
}
