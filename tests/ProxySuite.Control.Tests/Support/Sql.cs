using Npgsql;

namespace ProxySuite.Control.Tests.Support;

/// <summary>Short forms for tests: run it, read one value, or see with which SQLSTATE it is refused.</summary>
internal static class Sql
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

    /// <returns>The SQLSTATE of the refusal; empty when it was not refused.</returns>
    public static async Task<string> RefusalAsync(this NpgsqlConnection connection, string sql)
    {
        try
        {
            await connection.RunAsync(sql);
            return "";
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }
}
