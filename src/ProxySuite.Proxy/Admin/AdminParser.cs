using System.Globalization;
using ProxySuite.Wire.Errors;
using Token = ProxySuite.Proxy.Admin.AdminText.Token;

namespace ProxySuite.Proxy.Admin;

/// <summary>Turns a statement's tokens into a command.</summary>
internal static class AdminParser
{
    // Settings that drivers set for themselves: they change nothing here, as answers are UTF-8 text and plain numbers.
    private static readonly string[] DriverSettings =
        ["application_name", "client_encoding", "client_min_messages", "datestyle", "extra_float_digits", "intervalstyle", "standard_conforming_strings", "statement_timeout", "timezone",
            "time", "names", "session", "transaction"];

    /// <exception cref="PgErrorException">42601 unknown or incomplete; 0A000 known and not offered.</exception>
    public static AdminCommand Read(List<Token> words)
    {
        string first = words[0].IsQuoted ? "" : words[0].Text.ToUpperInvariant();
        return first switch
        {
            "SHOW" => Show(words),
            "PAUSE" => new Pause(OptionalName(words, "PAUSE [tenant]")),
            "RESUME" => new Resume(OptionalName(words, "RESUME [tenant]")),
            "RECONNECT" => new Reconnect(OptionalName(words, "RECONNECT [tenant]")),
            "KILL" => new Kill(OptionalName(words, "KILL tenant") ?? throw Malformed("KILL tenant")),
            "KILL_CLIENT" => new KillClient(Id(words, "KILL_CLIENT id")),
            "CANCEL" => new CancelClient(Id(words, "CANCEL id")),
            "RELOAD" when words.Count == 1 => new Reload(),
            "SHUTDOWN" when words.Count == 1 => new Shutdown(),
            "SHUTDOWN" => throw NotSupported($"SHUTDOWN {words[1].Text.ToUpperInvariant()}"),
            "BEGIN" or "START" => new SessionCommand("BEGIN", opensBlock: true),
            "COMMIT" or "END" => new SessionCommand("COMMIT", opensBlock: false),
            "ROLLBACK" or "ABORT" => new SessionCommand("ROLLBACK", opensBlock: false),
            "DISCARD" or "RESET" => new SessionCommand(first == "DISCARD" ? "DISCARD ALL" : "RESET"),
            "DEALLOCATE" => new SessionCommand("DEALLOCATE ALL"),
            "SET" when words.Count > 1 && DriverSettings.Contains(words[1].Text.ToLowerInvariant()) => new SessionCommand("SET"),
            "SET" => throw new PgErrorException(AdminErrors.NotSupported("SET") with { Hint = "Change the configuration file, then RELOAD; plans are changed with proxyctl." }),
            "SELECT" when words is [_, { IsQuoted: false } value] && int.TryParse(value.Text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int number) => new SelectNumber(number),
            "SUSPEND" or "DISABLE" or "ENABLE" or "WAIT_CLOSE" => throw NotSupported(first),
            _ => throw Unknown(words),
        };
    }

    private static AdminCommand Show(List<Token> words)
    {
        string what = words.Count > 1 && !words[1].IsQuoted ? words[1].Text.ToUpperInvariant() : "";
        if (what == "TENANTS") return ShowTenantsOf(words);
        if (what == "TENANT") return words.Count == 3 ? new ShowTenant(words[2].Text) : throw Malformed("SHOW TENANT tenant");
        AdminCommand? command = what switch
        {
            "HELP" => new ShowHelp(),
            "VERSION" => new ShowVersion(),
            "DATABASES" => new ShowDatabases(),
            "POOLS" => new ShowPools(),
            "CLIENTS" => new ShowClients(),
            "SERVERS" => new ShowServers(),
            "STATS" => new ShowStats(StatsPart.All),
            "STATS_TOTALS" => new ShowStats(StatsPart.Totals),
            "STATS_AVERAGES" => new ShowStats(StatsPart.Averages),
            "TOTALS" => new ShowTotals(),
            "LISTS" => new ShowLists(),
            "CONFIG" => new ShowConfig(),
            "USERS" => new ShowUsers(),
            "STATE" => new ShowState(),
            "SHARDS" => new ShowShards(),
            "WAITS" => new ShowWaits(),
            "QUERIES" => new ShowQueries(),
            "SOCKETS" => new ShowSockets(isActiveOnly: false),
            "ACTIVE_SOCKETS" => new ShowSockets(isActiveOnly: true),
            "MEM" => new ShowMemory(),
            "FDS" => ShowNone.Descriptors,
            "DNS_HOSTS" => ShowNone.DnsHosts,
            "DNS_ZONES" => ShowNone.DnsZones,
            "PEERS" => ShowNone.Peers,
            "PEER_POOLS" => ShowNone.PeerPools,
            _ => null,
        };
        if (command is null) throw Unknown(words);
        return words.Count == 2 ? command : throw Malformed($"SHOW {what}");
    }

    private static ShowTenants ShowTenantsOf(List<Token> words)
    {
        const string Usage = "SHOW TENANTS [BY time|queries|bytes|waiting] [LIMIT n]";
        TenantOrder order = TenantOrder.Name;
        int limit = int.MaxValue;
        for (int at = 2; at < words.Count; at += 2)
        {
            if (at + 1 >= words.Count) throw Malformed(Usage);
            string value = words[at + 1].Text;
            if (words[at].Is("BY")) order = Enum.TryParse(value, ignoreCase: true, out TenantOrder read) && Enum.IsDefined(read) && !char.IsAsciiDigit(value[0]) ? read : throw Malformed(Usage);
            else if (words[at].Is("LIMIT")) limit = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int read) ? read : throw Malformed(Usage);
            else throw Malformed(Usage);
        }
        return new ShowTenants(order, limit);
    }

    private static string? OptionalName(List<Token> words, string usage) => words.Count switch
    {
        1 => null,
        2 when words[1].Text.Length > 0 => words[1].Text,
        _ => throw Malformed(usage),
    };

    private static int Id(List<Token> words, string usage)
        => words.Count == 2 && int.TryParse(words[1].Text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : throw Malformed(usage);

    private static PgErrorException Malformed(string usage) => new(AdminErrors.Malformed(usage));

    private static PgErrorException NotSupported(string command) => new(AdminErrors.NotSupported(command));

    private static PgErrorException Unknown(List<Token> words) => new(AdminErrors.UnknownCommand(string.Join(' ', words.Select(word => word.Text))));
}
