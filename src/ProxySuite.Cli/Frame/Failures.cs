using Npgsql;
using ProxySuite.Control;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Frame;

/// <summary>How exceptions become a message, a hint and an exit code.</summary>
internal static class Failures
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    /// <returns>Null for an exception that is a bug; it then ends the program with its trace.</returns>
    public static (int ExitCode, string Message, string? Hint)? Describe(Exception exception) => exception switch
    {
        UsageException usage => (WrongUsage, usage.Message, usage.Hint),
        ControlException failed => (Failed, failed.Message, failed.Hint),
        ChecksFailedException failed => (Failed, failed.Message, null),
        RegistryException refused => (Failed, refused.Message, Hint(refused.Failure)),
        MasterKeyException failed => (Failed, failed.Message, null),
        RegistrySchemaException failed => (Failed, failed.Message, "Use an empty database for the registry."),
        RegistryUnavailableException failed => (Failed, failed.Message, Reachable),
        PostgresException refused => (Failed, $"the server refused: {refused.MessageText} ({refused.SqlState})", refused.Hint ?? refused.Detail),
        NpgsqlException or TimeoutException => (Failed, $"the database cannot be reached: {exception.InnerException?.Message ?? exception.Message}", Reachable),
        IOException or UnauthorizedAccessException => (Failed, exception.Message, null),
        OperationCanceledException => (Failed, "interrupted", "Run the same command again: it goes on where it stopped."),
        _ => null,
    };

    private static string? Hint(RegistryFailure failure) => failure switch
    {
        RegistryFailure.NotFound => "What there is: proxyctl shard list, plan list, tenant list.",
        RegistryFailure.NoCapacity => "See proxyctl shard list; a shard is added with proxyctl shard add and proxyctl shard prepare.",
        RegistryFailure.VersionChanged => "Look at it again and repeat the command.",
        _ => null,
    };

    private const string Reachable = "See that the server runs, and that --registry or PROXYSUITE_REGISTRY names it.";
}
