using Npgsql;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Tenancy.Tests.Support;

/// <summary>Databases on the PostgreSQL 15 that the tests of this assembly share; each test takes one of its own.</summary>
public sealed class RegistryDatabases : IAsyncLifetime
{
    // Making a copy of a database takes a fraction of applying the schema.
    private const string WithRegistry = "with_registry";

    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await PostgresServer.SharedAsync(15);
        await Server.ExecuteAsync($"CREATE DATABASE {WithRegistry}");
        await using NpgsqlDataSource template = NpgsqlDataSource.Create(Server.Dsn(WithRegistry) + ";Pooling=false");
        await RegistrySchema.InitAsync(template);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>A new database without anything in it.</summary>
    public async Task<Dsn> EmptyAsync() => DsnParser.Parse(Server.Uri(await Server.CreateDatabaseAsync()));

    /// <summary>A new database with the registry's schema.</summary>
    public async Task<Dsn> RegistryAsync()
    {
        string name = "registry_" + Guid.NewGuid().ToString("N");
        await Server.ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {WithRegistry}");
        return DsnParser.Parse(Server.Uri(name));
    }
}

/// <summary>Tests that share one server, each with a database of its own.</summary>
[CollectionDefinition(Name)]
public sealed class SharedServer : ICollectionFixture<RegistryDatabases>
{
    public const string Name = "shared server";
}
