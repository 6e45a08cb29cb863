using System.Reflection;
using System.Text;
using Npgsql;
using ProxySuite.Control.Audits;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Shards;

/// <summary>The SQL that makes a database fit to hold tenants, carried in this assembly (<c>Shards/Sql</c>); every file may be run again.</summary>
internal static class ShardSql
{
    // Two that prepare one database at once would meet in CREATE OR REPLACE ("tuple concurrently updated"): the second waits here.
    private const string Lock = "SELECT pg_catalog.pg_advisory_xact_lock(8101830201345372521)";

    private static readonly string[] Shared = ["10-roles.sql", "20-tenancy.sql", "25-sealed.sql", "30-lockdown.sql", "40-proxysuite.sql", "50-pool.sql"];
    private static readonly string[] Own = ["20-tenancy.sql", "25-own.sql", "30-lockdown.sql", "40-proxysuite.sql", "45-own-replication.sql"];

    /// <summary>Roles of the cluster, and all of the shard's shared database.</summary>
    /// <exception cref="ControlException">The shared tables that are there cannot be made safe to share.</exception>
    public static Task PrepareSharedAsync(NpgsqlConnection connection, Lockdown lockdown, CancellationToken cancellationToken)
        => ApplyAsync(connection, Shared, FinishSharedAsync, lockdown, cancellationToken);

    private static async Task FinishSharedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ProtectPoolTablesAsync(connection, cancellationToken);
        await connection.ExecuteAsync(AuditSql.InstallSummary(), cancellationToken);
    }

    /// <summary>Makes shared tables safe to share and opens them to the pool's roles.</summary>
    /// <exception cref="ControlException">Some cannot be made safe; nothing is changed then.</exception>
    public static async Task ProtectPoolTablesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await connection.ExecuteAsync("CALL tenancy.protect_pool_tables()", cancellationToken);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InvalidTableDefinition)
        {
            throw new ControlException($"tables of data_owner in schema public cannot be shared: {refused.MessageText}", refused.Hint, refused);
        }
    }

    /// <summary>A tenant's own database on a shard that is prepared.</summary>
    public static Task PrepareOwnAsync(NpgsqlConnection connection, Lockdown lockdown, CancellationToken cancellationToken)
        => ApplyAsync(connection, Own, (_, _) => Task.CompletedTask, lockdown, cancellationToken);

    private static async Task ApplyAsync(
        NpgsqlConnection connection, string[] files, Func<NpgsqlConnection, CancellationToken, Task> finish, Lockdown lockdown, CancellationToken cancellationToken)
    {
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(Lock, cancellationToken);
        foreach (string file in files) await connection.ExecuteAsync(Read(file), cancellationToken);
        await connection.ExecuteAsync("CALL tenancy.apply_lockdown($1)", cancellationToken, EnumText.Of(lockdown));
        await finish(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static string Read(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"shard/{file}")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
