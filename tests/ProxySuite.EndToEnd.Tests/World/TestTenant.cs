using Npgsql;
using ProxySuite.Testing.Servers;

namespace ProxySuite.EndToEnd.Tests.World;

/// <summary>A tenant of the tests' platform and the names that its neighbours might guess.</summary>
/// <param name="Isolation">pool, schema or database.</param>
/// <param name="Shard">The server it lives on.</param>
public sealed record TestTenant(string Slug, Guid Id, string Isolation, PostgresServer Shard)
{
    /// <summary>The login role of its users of role app.</summary>
    public string Role { get; init; } = $"t_{Id:N}";

    /// <summary>The schema that holds its tables.</summary>
    public string Schema => Isolation == "schema" ? $"tenant_{Id:N}" : "public";

    /// <summary>The database that holds its tables, on the shard.</summary>
    public string Database => Isolation == "database" ? $"tenant_{Id:N}" : SharedDatabase;

    /// <summary>The database of the shard that tenants of the other models share.</summary>
    public string SharedDatabase { get; init; } = "postgres";

    /// <summary>Its users; the pool model has no owner.</summary>
    public IReadOnlyList<string> Users => Isolation == "pool" ? ["app", "reader"] : ["app", "owner", "reader"];

    /// <summary>Runs statements on its tables as the shard's superuser, past proxy and policies.</summary>
    public Task AsSuperuserAsync(string sql) => Shard.ExecuteAsync($"SET search_path = {Schema}; {sql}", Database);

    /// <summary>One value as the shard's superuser, past proxy and policies; the table's name has to be qualified.</summary>
    public Task<T?> ScalarAsSuperuserAsync<T>(string sql) => Shard.ScalarAsync<T>(sql, Database);

    /// <summary>Its server connections that the shard knows of, of all its roles.</summary>
    public Task<long> CountServersAsync() => Shard.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, '{Role}')");

    public override string ToString() => Slug;
}

/// <summary>Short forms for statements through Npgsql.</summary>
internal static class NpgsqlShortForms
{
    public static async Task<int> RunAsync(this NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    public static async Task<T?> ReadAsync<T>(this NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }
}
