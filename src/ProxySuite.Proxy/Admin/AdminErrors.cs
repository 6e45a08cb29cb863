using System.Globalization;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Admin;

/// <summary>What the console refuses, each with the way out.</summary>
internal static class AdminErrors
{
    public static PgError UnknownCommand(string command) => new(
        SqlState.SyntaxError, $"unknown command \"{(command.Length > 100 ? command[..100] + "…" : command)}\"", Hint: "SHOW HELP lists the commands of the console.");

    public static PgError Malformed(string usage) => new(SqlState.SyntaxError, "the command is not complete or says too much", Hint: $"Usage: {usage}");

    public static PgError NotSupported(string command) => new(
        SqlState.FeatureNotSupported, $"{command} is not supported by this console", Hint: "SHOW HELP lists the commands of the console.");

    public static PgError AdminOnly(string command) => new(
        SqlState.InsufficientPrivilege, $"{command} is not available to role stats", Hint: "Log in as a user whose Role in Admin:Users is admin.");

    public static PgError NoParameters() => new(SqlState.ProtocolViolation, "commands of the console have no parameters", Hint: "Write values into the command's text.");

    public static PgError InTransaction(string command) => new(
        SqlState.ActiveSqlTransaction, $"{command} cannot run inside a transaction block", Hint: "It cannot be rolled back. Send it alone (autocommit).");

    public static PgError NoSuchTenant(string slug) => new(
        SqlState.InvalidCatalogName, $"tenant \"{slug}\" is not known", Hint: "SHOW TENANTS lists those that this proxy has served since it started; proxyctl tenant list all.");

    public static PgError NoSuchClient(int id) => new(
        SqlState.UndefinedObject, string.Create(CultureInfo.InvariantCulture, $"client {id} is not connected to this proxy"), Hint: "SHOW CLIENTS has the ids.");

    public static PgError NothingToCancel(int id) => new(
        SqlState.ObjectNotInPrerequisiteState, string.Create(CultureInfo.InvariantCulture, $"client {id} has no query under way"), Hint: "SHOW QUERIES lists those that run and wait.");

    public static PgError CancelFailed() => new(
        SqlState.ConnectionFailure, "the cancel request could not be passed on to the server", Hint: "Try again, or end the client with KILL_CLIENT.");

    public static PgError StillBusy(int servers) => new(
        SqlState.ObjectInUse, string.Create(CultureInfo.InvariantCulture, $"paused, and {servers} server connections are still held by open transactions or pinned clients"),
        Hint: "No new transaction begins. Wait, see SHOW QUERIES, or end them with KILL or KILL_CLIENT; RESUME takes the pause back.");

    public static PgError PauseTakenBack() => new(
        SqlState.ObjectNotInPrerequisiteState, "not paused: another client of the console has taken the pause back", Hint: "Queries go on. Find out who else works here, then PAUSE again.");

    /// <summary>In PostgreSQL's words.</summary>
    public static PgError Cancelled() => new(
        SqlState.QueryCanceled, "canceling statement due to user request", Hint: "What it had begun is taken back: after PAUSE, queries go on.");

    public static PgError ReactorSilent(int reactor, TimeSpan limit) => new(
        SqlState.SystemError, string.Create(CultureInfo.InvariantCulture, $"reactor {reactor} did not answer within {limit.TotalSeconds:0} s"),
        Hint: "It is stuck or has more work than time; see metric proxysuite_reactor_turns_total.");

    public static PgError ReloadRefused(IReadOnlyList<string> problems) => new(
        SqlState.InvalidParameterValue, "the configuration was not reloaded; the old one stays in force", Detail: string.Join("; ", problems),
        Hint: "Correct the file; proxyd --config FILE --check says all that is wrong.");

    public static PgError NoSuchStatement(string name) => new(
        SqlState.InvalidSqlStatementName, $"prepared statement \"{name}\" does not exist", Hint: "Send Parse before Bind and Describe.");

    public static PgError NoSuchPortal(string name) => new(
        SqlState.InvalidCursorName, $"portal \"{name}\" does not exist", Hint: "Send Bind before Execute; a portal ends with its Sync.");

    public static PgError TooManyStatements(int max) => new(
        SqlState.ProgramLimitExceeded, string.Create(CultureInfo.InvariantCulture, $"too many prepared statements or portals: the limit is {max}"), Hint: "Close those that are not needed.");

    public static PgError UserRemoved() => new(
        SqlState.AdminShutdown, "terminating connection because its user is no longer one of the console's", Hint: "See Admin:Users.", Severity: "FATAL");

    public static PgError Broken() => new(SqlState.InternalError, "the command failed in the proxy", Hint: "The proxy's log has the particulars.");
}
