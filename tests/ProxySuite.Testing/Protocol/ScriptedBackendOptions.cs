namespace ProxySuite.Testing.Protocol;

/// <summary>What a scripted backend does with a connection before the script begins.</summary>
public enum Welcome
{
    /// <summary>The start-up of PostgreSQL, up to ReadyForQuery.</summary>
    LogIn,

    /// <summary>The connection is accepted and never answered, as by a frozen server.</summary>
    Silence,

    /// <summary>The connection is reset as soon as its first packet has come.</summary>
    Reset,

    /// <summary>Nothing: the script reads and answers from the StartupMessage on.</summary>
    Script,
}

/// <summary>How a <see cref="ScriptedBackend"/> is to be.</summary>
public sealed record ScriptedBackendOptions
{
    public Welcome Welcome { get; init; }

    /// <summary>The password of a user, asked for with SCRAM-SHA-256; null lets the user in (trust).</summary>
    public Func<string, string?> PasswordOf { get; init; } = _ => null;

    /// <summary>Reported as ParameterStatus after the log-in.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>
    {
        ["server_version"] = "18.0 (scripted)",
        ["server_encoding"] = "UTF8",
        ["client_encoding"] = "UTF8",
        ["standard_conforming_strings"] = "on",
        ["DateStyle"] = "ISO, MDY",
        ["TimeZone"] = "UTC",
        ["integer_datetimes"] = "on",
    };

    /// <summary>
    /// Answers every message by itself when set, instead of the test: gets the connection and the message, returns what to send (null
    /// for nothing). <see cref="EchoResponder"/> has a useful one.
    /// </summary>
    public Func<ScriptedConnection, WireMessage, byte[]?>? Respond { get; init; }

    /// <summary>Listens on a Unix socket <c>.s.PGSQL.PORT</c> in this directory instead of TCP.</summary>
    public string? UnixDirectory { get; init; }
}
