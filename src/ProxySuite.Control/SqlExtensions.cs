using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace ProxySuite.Control;

/// <summary>Short forms for the control plane's SQL. Parameters are <c>$1</c> and up; names are quoted by <see cref="Identifier"/>.</summary>
internal static class SqlExtensions
{
    /// <summary>Runs statements; an empty text stands for nothing to do.</summary>
    /// <returns>Rows that were changed.</returns>
    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        if (sql.Length == 0) return 0;
        await using NpgsqlCommand command = connection.Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <returns>The first column of the first row; the type's default for NULL or no row.</returns>
    public static async Task<T?> ScalarAsync<T>(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using NpgsqlCommand command = connection.Command(sql, parameters);
        return await command.ExecuteScalarAsync(cancellationToken) is T value ? value : default;
    }

    public static async Task<List<T>> QueryAsync<T>(
        this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, params object[] parameters)
    {
        await using NpgsqlCommand command = connection.Command(sql, parameters);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
        return rows;
    }

    /// <summary>A name in double quotes, as SQL takes it whatever it contains.</summary>
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text literal, for statements that take no parameters.</summary>
    public static string Literal(string text)
        => text.Contains('\\')
            ? $"E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'"
            : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    [SuppressMessage("Security", "CA2100", Justification = "Statements are constants with names quoted by Identifier; values are parameters.")]
    private static NpgsqlCommand Command(this NpgsqlConnection connection, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (object value in parameters) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
