using Npgsql;

namespace ProxySuite.Tenancy.Registry;

/// <summary>
/// The control plane's side of the registry: every change it makes, as one typed method each. What two may change at once is guarded by
/// the version that the caller read: who comes second gets <see cref="RegistryFailure.VersionChanged"/>.
/// </summary>
/// <remarks>
/// All methods throw <see cref="RegistryException"/> when the registry refuses and <see cref="RegistryUnavailableException"/> when it does not
/// answer. Changes that the proxy must see are announced by triggers in the same transaction. The data source stays the caller's.
/// </remarks>
public sealed partial class RegistryStore(NpgsqlDataSource dataSource)
{
    private NpgsqlCommand Command(string sql, params ReadOnlySpan<object?> parameters)
    {
        NpgsqlCommand command = dataSource.CreateCommand(sql);
        AddParameters(command, parameters);
        return command;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        AddParameters(command, parameters);
        return command;
    }

    private static void AddParameters(NpgsqlCommand command, ReadOnlySpan<object?> parameters)
    {
        foreach (object? parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter ?? DBNull.Value });
    }

    /// <summary>Runs a statement that must change exactly one row.</summary>
    private static async Task ChangeOneAsync(NpgsqlCommand command, RegistryFailure otherwise, string message, CancellationToken cancellationToken)
    {
        await using (command)
        {
            int changed = await GuardAsync(() => command.ExecuteNonQueryAsync(cancellationToken));
            if (changed != 1) throw new RegistryException(otherwise, message);
        }
    }

    private static Task<T?> QueryOneAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) where T : class
        => GuardAsync(async () =>
        {
            await using (command)
            {
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
                return await reader.ReadAsync(cancellationToken) ? read(reader) : null;
            }
        });

    private static Task<IReadOnlyList<T>> QueryAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
        => GuardAsync<IReadOnlyList<T>>(async () =>
        {
            await using (command)
            {
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
                var rows = new List<T>();
                while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
                return rows;
            }
        });

    private static async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (PostgresException refused)
        {
            throw Explain(refused) ?? (Exception)new RegistryUnavailableException($"the registry failed: {refused.MessageText} ({refused.SqlState})", refused);
        }
        catch (Exception failed) when (RegistryDataSource.IsUnreachable(failed))
        {
            throw new RegistryUnavailableException($"the registry does not answer: {failed.Message}", failed);
        }
    }

    private static RegistryException? Explain(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.UniqueViolation => new(RegistryFailure.AlreadyExists, $"already there: {refused.Detail ?? refused.MessageText}", refused),
        PostgresErrorCodes.ForeignKeyViolation when refused.MessageText.StartsWith("update or delete", StringComparison.Ordinal)
            => new(RegistryFailure.InUse, $"still in use: {refused.Detail ?? refused.MessageText}", refused),
        PostgresErrorCodes.ForeignKeyViolation => new(RegistryFailure.NotFound, $"not there: {refused.Detail ?? refused.MessageText}", refused),
        PostgresErrorCodes.CheckViolation or PostgresErrorCodes.NotNullViolation or PostgresErrorCodes.InsufficientPrivilege
            => new(RegistryFailure.Refused, refused.MessageText, refused),
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName
            => new(RegistryFailure.NotFound, "this database holds no registry, or an older one; run: proxyctl init", refused),
        _ => null,
    };
}
