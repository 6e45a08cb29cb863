using Npgsql;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Consoles;

/// <summary>One proxy's admin console; the connection is made when it is needed, and anew after it was lost.</summary>
/// <param name="dsn">Host, user and password; the database may be left out.</param>
/// <param name="password">For a DSN without one; null for none.</param>
public sealed class ProxyConsole(Dsn dsn, string? password = null) : IAsyncDisposable
{
    private NpgsqlDataSource? _source;
    private NpgsqlConnection? _connection;

    /// <summary>Which proxy it is, as host and port.</summary>
    public string Name { get; } = string.Join(',', dsn.Hosts.Select(static host => $"{host.Host}:{host.Port}"));

    /// <summary>The rows of a command.</summary>
    /// <param name="command">Such as SHOW TENANTS.</param>
    /// <param name="read">Makes of a row what the caller needs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ControlException">The proxy cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<T>> RowsAsync<T>(string command, Func<ConsoleRow, T> read, CancellationToken cancellationToken)
    {
        try
        {
            NpgsqlConnection connection = await OpenAsync(cancellationToken);
            await using var query = new NpgsqlCommand(command, connection);
            await using NpgsqlDataReader reader = await query.ExecuteReaderAsync(cancellationToken);
            var row = new ConsoleRow(reader);
            var rows = new List<T>();
            while (await reader.ReadAsync(cancellationToken)) rows.Add(read(row));
            return rows;
        }
        catch (Exception failed) when (failed is NpgsqlException or TimeoutException)
        {
            await DisposeAsync();
            string reason = failed is PostgresException refused ? refused.MessageText : failed.InnerException?.Message ?? failed.Message;
            throw new ControlException($"the console of proxy {Name} cannot be asked: {reason}", "See that it runs, and that the user is one of its Admin:Users.", failed) { IsTransient = true };
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection) await connection.DisposeAsync();
        if (_source is { } source) await source.DisposeAsync();
        (_connection, _source) = (null, null);
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        if (_connection is not null) return _connection;
        NpgsqlConnectionStringBuilder settings = dsn.ToNpgsql();
        if (string.IsNullOrEmpty(settings.Database) || settings.Database == settings.Username || settings.Database == "postgres") settings.Database = "proxysuite";
        if (dsn.Password is null) settings.Password = password;
        settings.ApplicationName ??= "proxyctl";
        settings.Pooling = false;
        settings.Timeout = 5;
        settings.CommandTimeout = 15;
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        // The console has no catalogs to load types from.
        builder.ConfigureTypeLoading(static types => types.EnableTypeLoading(false));
        _source = builder.Build();
        return _connection = await _source.OpenConnectionAsync(cancellationToken);
    }
}

/// <summary>A row of an answer, read by the names of columns; a proxy of another version may lack some, which count as null.</summary>
public sealed class ConsoleRow
{
    private readonly NpgsqlDataReader _reader;
    private readonly Dictionary<string, int> _columns;

    internal ConsoleRow(NpgsqlDataReader reader)
    {
        _reader = reader;
        _columns = Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, static at => at, StringComparer.Ordinal);
    }

    public string? Text(string column) => At(column) is { } at ? _reader.GetString(at) : null;

    public long? Long(string column) => At(column) is { } at ? Convert.ToInt64(_reader.GetValue(at), System.Globalization.CultureInfo.InvariantCulture) : null;

    public double? Double(string column) => At(column) is { } at ? Convert.ToDouble(_reader.GetValue(at), System.Globalization.CultureInfo.InvariantCulture) : null;

    private int? At(string column) => _columns.TryGetValue(column, out int at) && !_reader.IsDBNull(at) ? at : null;
}
