using Npgsql;
using Xunit;

namespace ProxySuite.Tenancy.Tests.Support;

/// <summary>Plain SQL for tests.</summary>
internal static class Sql
{
    public static async Task<int> ExecuteAsync(this NpgsqlDataSource dataSource, string sql)
    {
        await using NpgsqlCommand command = dataSource.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync();
    }

    public static async Task<T> ScalarAsync<T>(this NpgsqlDataSource dataSource, string sql)
    {
        await using NpgsqlCommand command = dataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public static async Task RefusedAsync(this NpgsqlDataSource dataSource, string sqlState, string sql)
        => Assert.Equal(sqlState, (await Assert.ThrowsAsync<PostgresException>(() => dataSource.ExecuteAsync(sql))).SqlState);
}
