using System.Globalization;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy;

/// <summary>All errors that the proxy itself raises, one factory each: the list a user can look up. Each names its limit and the way out.</summary>
internal static class ProxyErrors
{
    /// <summary>Unknown tenant, unknown user and wrong password are one answer: whoever guesses learns nothing (A2).</summary>
    public static PgError LoginFailed(string user) => new(
        SqlState.InvalidPassword, $"password authentication failed for user \"{user}\"",
        Hint: "Check user, password and the tenant, which the database name or \"user.tenant\" names.", Severity: "FATAL");

    public static PgError LoginTimedOut(TimeSpan limit) => new(
        SqlState.QueryCanceled, "canceling authentication due to timeout",
        Hint: $"The login has to be complete within {Seconds(limit)} (Auth:LoginTimeout).", Severity: "FATAL");

    public static PgError TlsRequired() => new(
        SqlState.InvalidAuthorizationSpecification, "connection requires TLS",
        Hint: "Connect with sslmode=require or stronger.", Severity: "FATAL");

    public static PgError ClientCertificateRequired() => new(
        SqlState.InvalidAuthorizationSpecification, "connection requires a valid client certificate",
        Hint: "Connect with sslcert and sslkey, a certificate signed by an authority that the operator of this service named.", Severity: "FATAL");

    /// <summary>Said only to who has proved to be a user of the tenant.</summary>
    public static PgError AddressNotAllowed(string host) => new(
        SqlState.InvalidAuthorizationSpecification, $"this tenant does not allow connections from address \"{host}\"",
        Hint: "Connect from one of the tenant's networks, or have this address added to them (proxyctl tenant allow).", Severity: "FATAL");

    public static PgError TenantSuspended() => new(
        SqlState.InvalidAuthorizationSpecification, "this tenant is suspended",
        Hint: "Ask the operator of this service to resume it.", Severity: "FATAL");

    /// <summary>In PostgreSQL's words. It repeats what the client said and was, and nothing that only the registry knows.</summary>
    public static PgError RefusedByHostRule(bool byRule, string host, string user, string database, bool isEncrypted) => new(
        SqlState.InvalidAuthorizationSpecification,
        $"{(byRule ? "pg_hba.conf rejects connection" : "no pg_hba.conf entry")} for host \"{host}\", user \"{user}\", database \"{database}\", {(isEncrypted ? "SSL encryption" : "no encryption")}",
        Hint: "Connect from another address or in another way, or ask the operator of this service for a host rule (Auth:HbaFile).", Severity: "FATAL");

    public static PgError ConflictingTenants() => new(
        SqlState.InvalidAuthorizationSpecification, "the connection names different tenants",
        Hint: "Name the tenant once: as the database, as \"user.tenant\", with \"-c tenant=\" in the options, or by the host name where the service has it so.", Severity: "FATAL");

    /// <summary>In PostgreSQL's words, and one answer for all reasons: a name that is not the user's, an unknown tenant, an unknown user.</summary>
    public static PgError CertificateLoginFailed(string user) => new(
        SqlState.InvalidAuthorizationSpecification, $"certificate authentication failed for user \"{user}\"",
        Hint: "The common name of the client certificate has to be that of the user, as \"user@tenant\".", Severity: "FATAL");

    public static PgError ReplicationRefused() => new(
        SqlState.FeatureNotSupported, "replication connections are not available to this tenant",
        Hint: "Its plan does not allow them (proxyctl plan set … --replication on, or tenant set). Else connect without the replication parameter.", Severity: "FATAL");

    public static PgError ReplicationNotInThisModel() => new(
        SqlState.FeatureNotSupported, "replication connections are not available to this tenant",
        Hint: "A replication connection reads a whole database, and this tenant shares one with others: only tenants with a database of their own have them.", Severity: "FATAL");

    public static PgError ReplicationForOwners() => new(
        SqlState.InsufficientPrivilege, "replication connections are available to users of role owner only",
        Hint: "A stream shows every row of the tenant, whatever grants and policies say. Log in as an owner (proxyctl tenant add-user … --role owner).", Severity: "FATAL");

    public static PgError PhysicalReplicationRefused() => new(
        SqlState.FeatureNotSupported, "physical replication is not available",
        Hint: "It hands out the whole cluster. Ask for logical replication with replication=database.", Severity: "FATAL");

    public static PgError ReplicationsExhausted(int limit) => new(
        SqlState.TooManyConnections, string.Create(CultureInfo.InvariantCulture, $"too many clients of this tenant keep a server connection: the limit is {limit}"),
        Hint: "Each replication connection keeps one. End others, or move to a plan with more connections (pins-max).", Severity: "FATAL");

    public static PgError ReplicationProtocol() => new(
        SqlState.ProtocolViolation, "extended query protocol not supported in a replication connection",
        Hint: "Send simple queries (PgJDBC: preferQueryMode=simple).", Severity: "FATAL");

    public static PgError ReplicationTextTooLong(int bytesMax) => new(
        SqlState.ProgramLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"a command of a replication connection may have {bytesMax} bytes"),
        Hint: "Send the statement on an ordinary connection.", Severity: "FATAL");

    public static PgError ReplicationSlotsExhausted(int limit) => new(
        SqlState.ConfigurationLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"too many replication slots of this tenant: the limit is {limit}"),
        Hint: "Drop slots that nobody reads (SELECT * FROM proxysuite.replication_slots). Each table that a subscription copies needs one for a while (Limits:ReplicationSlotsMax).");

    public static PgError ReplicationNotPrepared() => new(
        SqlState.ObjectNotInPrerequisiteState, "the tenant's database is not prepared for replication",
        Hint: "The operator of this service has to run proxyctl shard prepare.");

    public static PgError ReplicationEnded() => new(
        SqlState.AdminShutdown, "terminating connection because the tenant has changed",
        Hint: "It moved, or its plan does not allow replication connections any more. Connect again.", Severity: "FATAL");

    /// <summary>What is not served on a replication connection, each with the way out.</summary>
    public static PgError ReplicationCommandRefused(ReplicationCommand command) => command.Refusal switch
    {
        ReplicationRefusal.Physical => Forbidden($"{command.Subject} is not available to tenants", "It reads the whole cluster. Logical slots and streams of the tenant's own database are served."),
        ReplicationRefusal.SlotName => new(
            SqlState.InvalidName, $"replication slot name \"{command.Subject}\" is not valid",
            Hint: string.Create(CultureInfo.InvariantCulture, $"Slot names have 1 to {ReplicationCommand.SlotNameMax} lower case letters, digits and underscores.")),
        ReplicationRefusal.Plugin => Forbidden($"output plug-in \"{command.Subject}\" is not available to tenants", "Use pgoutput, test_decoding or wal2json."),
        ReplicationRefusal.Function => Forbidden($"function {command.Subject} is not available to tenants", "Use the commands of the replication protocol, such as CREATE_REPLICATION_SLOT."),
        ReplicationRefusal.Syntax => new(SqlState.SyntaxError, $"{command.Subject} of this form is not served on a replication connection",
            Hint: "Logical slots and streams are: one command, without comments, with options as PostgreSQL documents them."),
        _ => Forbidden($"{command.Subject} is not served on a replication connection", "One SELECT, COPY … TO STDOUT and read-only transactions are. Use an ordinary connection for the rest."),
    };

    public static PgError StartupParameterRefused(string name) => new(
        SqlState.FeatureNotSupported, $"unsupported startup parameter: {name}",
        Hint: "Leave it out of the connection string and set it with SET after connecting.", Severity: "FATAL");

    public static PgError StartupValueRefused(string name, string value) => new(
        SqlState.InvalidParameterValue, $"invalid value for parameter \"{name}\": \"{value}\"",
        Hint: "Correct the connection string.", Severity: "FATAL");

    public static PgError MalformedOptions() => new(
        SqlState.InvalidParameterValue, "invalid command-line arguments in startup parameter \"options\"",
        Hint: "Write options as \"-c name=value\".", Severity: "FATAL");

    public static PgError TooManyClients(int limit) => new(
        SqlState.TooManyConnections, string.Create(CultureInfo.InvariantCulture, $"too many client connections: the limit is {limit}"),
        Hint: "Close idle connections or try again later (Limits:MaxClients).", Severity: "FATAL");

    public static PgError TooManyClientsOfTenant(int limit, bool isOfPlan) => new(
        SqlState.TooManyConnections, string.Create(CultureInfo.InvariantCulture, $"too many client connections of this tenant: the limit is {limit}"),
        Hint: $"Close idle connections, or move to a plan with more ({(isOfPlan ? "clients-max of the plan" : "Limits:MaxClientsPerTenant")}).", Severity: "FATAL");

    public static PgError TooManyClientsOfAddress(int limit) => new(
        SqlState.TooManyConnections, string.Create(CultureInfo.InvariantCulture, $"too many client connections from this address: the limit is {limit}"),
        Hint: "Close idle connections or try again later (Limits:MaxClientsPerAddress).", Severity: "FATAL");

    public static PgError ConnectionRateLimited(int connectionsPerSecond, TimeSpan retryAfter) => new(
        SqlState.ConfigurationLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"rate limit of {connectionsPerSecond} new connections per second exceeded"),
        Hint: $"Retry after {Milliseconds(retryAfter)}, keep connections open, or move to a plan with a higher limit (connections-per-second).", Severity: "FATAL");

    public static PgError RateLimited(int queriesPerSecond, TimeSpan retryAfter) => new(
        SqlState.ConfigurationLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"query rate limit of {queriesPerSecond} per second exceeded"),
        Hint: $"Retry after {Milliseconds(retryAfter)}, or move to a plan with a higher limit (queries-per-second).");

    public static PgError TooManyConcurrentQueries(int limit, TimeSpan waited) => new(
        SqlState.ConfigurationLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"limit of {limit} queries at a time exceeded"),
        Hint: $"None ended within {Milliseconds(waited)}: retry after that, shorten transactions, or move to a plan with a higher limit (concurrent-queries).");

    public static PgError QuerySecondsUsedUp(int secondsPerMinute, TimeSpan retryAfter) => new(
        SqlState.ConfigurationLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"limit of {secondsPerMinute} seconds of query time per minute exceeded"),
        Hint: $"Retry after {Milliseconds(retryAfter)}, or move to a plan with a higher limit (query-seconds-per-minute).");

    public static PgError BytesUsedUp(long bytesPerMinute, TimeSpan retryAfter) => new(
        SqlState.ConfigurationLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"limit of {bytesPerMinute} bytes per minute exceeded"),
        Hint: $"Retry after {Milliseconds(retryAfter)}, or move to a plan with a higher limit (bytes-per-minute).");

    /// <summary>A notice, not an error.</summary>
    public static PgError StillDelayed(TimeSpan after) => new(
        SqlState.SuccessfulCompletion, $"the query has waited for {Seconds(after)} because of a limit of the tenant's plan and goes on waiting",
        Hint: "Send fewer queries, or move to a plan with higher limits (Pool:QueueNoticeAfter).", Severity: "NOTICE");

    /// <summary>In PostgreSQL's words.</summary>
    public static PgError CanceledWhileDelayed() => new(
        SqlState.QueryCanceled, "canceling statement due to user request",
        Hint: "The query was waiting because of a limit of the tenant's plan; it did not run.");

    public static PgError QueueFull(int waitersMax) => new(
        SqlState.TooManyConnections, string.Create(CultureInfo.InvariantCulture, $"too many queries wait for a server connection: the limit is {waitersMax}"),
        Hint: "Send fewer queries at a time, or move to a plan with more connections (Pool:MaxWaiters).");

    public static PgError WaitedTooLong(TimeSpan limit, int connections) => new(
        SqlState.TooManyConnections, $"no server connection became free within {Seconds(limit)}",
        Hint: string.Create(CultureInfo.InvariantCulture,
            $"All {connections} connections of the tenant's plan are busy. Shorten transactions, or move to a plan with more connections (Pool:QueryWaitTimeout)."));

    /// <summary>A notice, not an error.</summary>
    public static PgError StillWaiting(TimeSpan after, int connections) => new(
        SqlState.SuccessfulCompletion, $"the query has waited for a server connection for {Seconds(after)} and goes on waiting",
        Hint: string.Create(CultureInfo.InvariantCulture,
            $"All {connections} connections of the tenant's plan are busy. Shorten transactions, or move to a plan with more connections (Pool:QueueNoticeAfter)."),
        Severity: "NOTICE");

    /// <summary>In PostgreSQL's words: a client cannot tell whether its query waited or ran.</summary>
    public static PgError CanceledByUser() => new(
        SqlState.QueryCanceled, "canceling statement due to user request",
        Hint: "The query was waiting for a server connection; it did not run.");

    public static PgError PinsExhausted(int pinsMax) => new(
        SqlState.TooManyConnections, string.Create(CultureInfo.InvariantCulture, $"too many clients of this tenant keep state on a server connection: the limit is {pinsMax}"),
        Hint: "End temporary tables, cursors WITH HOLD and session advisory locks where they are not needed (DISCARD ALL ends all), keep them inside a transaction, or move to a plan with more connections (pins-max).");

    public static PgError PinnedIdleTooLong(TimeSpan limit) => new(
        SqlState.IdleSessionTimeout, "terminating connection that kept its server connection while idle",
        Hint: $"A client with temporary tables, cursors WITH HOLD, session advisory locks or the like may be idle for {Seconds(limit)} (Pool:PinnedIdleTimeout).", Severity: "FATAL");

    public static PgError NotificationsRefused() => new(
        SqlState.InsufficientPrivilege, "LISTEN and NOTIFY are not available to this tenant",
        Hint: "The tenant's sessions are shared with others, so notifications could not be told apart. Poll a table, or move to a model with roles of its own.");

    public static PgError NotificationsOverflow(int bytesMax) => new(
        SqlState.ProgramLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"too many notifications wait for this client: the limit is {bytesMax} bytes"),
        Hint: "Read notifications faster, and keep transactions of a listening connection short. Connect and LISTEN again.", Severity: "FATAL");

    /// <summary>A notice, not an error.</summary>
    public static PgError NotificationsMissed() => new(
        SqlState.Warning, "notifications may have been missed: the connection that listens was interrupted",
        Hint: "The channels are listened to again. Look at what the notifications were to tell of.", Severity: "WARNING");

    public static PgError ShardUnavailable() => new(
        SqlState.CannotConnectNow, "the tenant's database server is not available now",
        Hint: "Try again in a few seconds.");

    public static PgError ShardNotSafe() => new(
        SqlState.CannotConnectNow, "the tenant's database server does not accept connections now",
        Hint: "An audit found that tenants are not kept apart there as they should be. The operator of this service has to mend that first.", Severity: "FATAL");

    public static PgError TenantPaused() => new(
        SqlState.CannotConnectNow, "this tenant is paused",
        Hint: "The operator of this service has stopped its queries for maintenance. Try again in a few minutes.");

    /// <summary>Said to clients whose connection an operator ended in the admin console.</summary>
    public static PgError KilledByOperator() => new(
        SqlState.AdminShutdown, "terminating connection due to administrator command",
        Hint: "The operator of this service ended it. Connect again later.", Severity: "FATAL");

    public static PgError RegistryUnavailable() => new(
        SqlState.CannotConnectNow, "the tenant cannot be looked up now",
        Hint: "Try again in a few seconds.", Severity: "FATAL");

    public static PgError ServerLost() => new(
        SqlState.ConnectionFailure, "the server closed the connection unexpectedly",
        Hint: "Connect again; whether an open transaction was committed is not known.", Severity: "FATAL");

    public static PgError ServerStateInDoubt() => new(
        SqlState.ConnectionFailure, "the state of the server connection is in doubt, so it was closed",
        Hint: "Connect again; whether an open transaction was committed is not known.", Severity: "FATAL");

    public static PgError ContextRefused() => new(
        SqlState.CannotConnectNow, "the tenant's database server did not accept the session as this tenant's",
        Hint: "Nothing was read or written for the transaction. Connect again.", Severity: "FATAL");

    /// <summary>In place of a shard's word that a tenant has left it: a state that drivers know as one to repeat the transaction on.</summary>
    public static PgError NotServedHere() => new(
        SqlState.SerializationFailure, "the tenant is not served by this database server any more",
        Hint: "Nothing of the transaction was kept. Run it again.");

    public static PgError ShuttingDown() => new(
        SqlState.AdminShutdown, "terminating connection due to administrator command",
        Hint: "The proxy is shutting down; connect again.", Severity: "FATAL");

    public static PgError ClientIdleTooLong(TimeSpan limit) => new(
        SqlState.IdleSessionTimeout, "terminating connection due to idle-session timeout",
        Hint: $"Clients may be idle for {Seconds(limit)} (Limits:ClientIdleTimeout, or idle_session_timeout of the plan).", Severity: "FATAL");

    public static PgError MessageNotSupported(byte type) => new(
        SqlState.ProtocolViolation, string.Create(CultureInfo.InvariantCulture, $"invalid frontend message type {type}"),
        Hint: "The connection is closed. Check that the client speaks the PostgreSQL protocol, version 3.", Severity: "FATAL");

    public static PgError FunctionCallRefused() => new(
        SqlState.FeatureNotSupported, "functions other than those of large objects cannot be called by their OID",
        Hint: "Call the function with SELECT.");

    public static PgError TransactionInStatementMode() => new(
        SqlState.FeatureNotSupported, "transaction blocks are not allowed in statement pooling mode",
        Hint: "Send single statements, or have the tenant's pool mode changed to transaction.", Severity: "FATAL");

    public static PgError StatementTimeReached(TimeSpan limit) => new(
        SqlState.QueryCanceled, "canceling statement due to the statement time of the tenant's plan",
        Hint: $"One statement may run for {Seconds(limit)}, whatever statement_timeout says. Split the work, or move to a plan with more time.");

    public static PgError TransactionTooLong(TimeSpan limit) => new(
        SqlState.QueryCanceled, "terminating connection due to transaction timeout",
        Hint: $"A transaction may be open for {Seconds(limit)} (Limits:TransactionTimeout, or transaction_timeout of the plan).", Severity: "FATAL");

    public static PgError IdleInTransactionTooLong(TimeSpan limit) => new(
        SqlState.IdleInTransactionSessionTimeout, "terminating connection due to idle-in-transaction timeout",
        Hint: $"A transaction may be idle for {Seconds(limit)} (Limits:IdleInTransactionTimeout, or idle_in_transaction_session_timeout of the plan).", Severity: "FATAL");

    /// <summary>A value above the plan's limit became the limit: success for tools that set what they do not need, and no surprise for who reads notices.</summary>
    public static PgError SettingLimited(string name, string limit) => new(
        SqlState.SuccessfulCompletion, $"parameter \"{name}\" was set to {limit}, the limit of the tenant's plan",
        Hint: "Set a lower value, or move to a plan with a higher limit.", Severity: "NOTICE");

    /// <summary>What the statement filter refuses, each with the way out.</summary>
    public static PgError StatementRefused(StatementVerdict verdict) => verdict.Refusal switch
    {
        StatementRefusal.AlterRole => Forbidden($"{verdict.Subject} is not available to tenants", "Users and passwords are managed with proxyctl tenant add-user and rotate-password; SET changes settings of a session."),
        StatementRefusal.SetRole => Forbidden($"{verdict.Subject} is not available to tenants", "A session works as the user that it logged in as; only NONE and DEFAULT may be set."),
        StatementRefusal.LockTable => Forbidden("LOCK is not available on tables that tenants share", "Lock rows with SELECT … FOR UPDATE, or use an isolation level such as SERIALIZABLE."),
        StatementRefusal.CopyFile => Forbidden("COPY to or from a file or program of the server is not available to tenants", "Use COPY … FROM STDIN or TO STDOUT, or \\copy in psql."),
        StatementRefusal.PrepareTransaction => new(
            SqlState.FeatureNotSupported, "PREPARE TRANSACTION is not supported in this pooling mode", Hint: "Use COMMIT, or have the tenant's pool mode changed to session."),
        StatementRefusal.Load => Forbidden("LOAD is not available to tenants", "Ask the operator of this service to preload the library."),
        StatementRefusal.IdentitySetting => Forbidden($"parameter \"{verdict.Subject}\" cannot be changed", "It carries the tenant's identity, and every session has it set: leave the statement out."),
        StatementRefusal.ComputedSetting => Forbidden($"parameter \"{verdict.Subject}\" cannot be set to a computed value", "It is limited by the tenant's plan: set it to a plain literal."),
        StatementRefusal.EscapedName => Forbidden("a setting cannot be named by Unicode escapes", "Write its name in plain letters."),
        StatementRefusal.ClientEncoding => new(
            SqlState.FeatureNotSupported, $"client encoding \"{verdict.Subject}\" is not supported", Hint: "Use UTF8: bytes of this encoding's characters can look like quotes and backslashes."),
        StatementRefusal.StandardConformingStrings => new(
            SqlState.FeatureNotSupported, "standard_conforming_strings cannot be turned off", Hint: "Write strings with backslash escapes as E'…'."),
        _ => Forbidden($"{verdict.Subject} is not available on this shard", "Its lockdown is strict: statements that read and write rows, transactions, and settings within the plan are served."),
    };

    private static PgError Forbidden(string message, string hint) => new(SqlState.InsufficientPrivilege, message, Hint: hint);

    // Rounded up: who comes back then is not too early.
    private static string Milliseconds(TimeSpan wait) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalMilliseconds):F0} ms");

    private static string Seconds(TimeSpan limit) => string.Create(CultureInfo.InvariantCulture, $"{limit.TotalSeconds:0.###} s");
}
