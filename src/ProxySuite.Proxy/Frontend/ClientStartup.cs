using ProxySuite.Proxy.Backend;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// A start-up packet and what follows from it alone, whoever sends it: worked out once, when it is first asked for. Clients of one application send the same
/// packet again and again (<see cref="KnownStartups"/>), so any reactor may read it at the same time; two of them at worst work out the same twice.
/// </summary>
internal sealed class ClientStartup
{
    private readonly List<KeyValuePair<string, string>> _fromOptions = [];
    private SessionSettings? _settings;
    private ClientLogin? _login;
    private Greeting? _greeting;

    /// <param name="message">The packet.</param>
    /// <exception cref="PgErrorException">22023: its options are no settings.</exception>
    public ClientStartup(StartupMessage message)
    {
        Message = message;
        if (message.TryGet("options", out string? text) && !StartupOptions.TryParse(text, _fromOptions)) throw new PgErrorException(ProxyErrors.MalformedOptions());
        foreach ((string name, string value) in _fromOptions)
        {
            if (name == "tenant") TenantOption = value;
        }
        IsReplication = message.TryGet("replication", out _);
    }

    public StartupMessage Message { get; }

    /// <summary>The tenant that its options name; null for none.</summary>
    public string? TenantOption { get; }

    /// <summary>It says something of replication; only <see cref="Settings"/> looks at what.</summary>
    private bool IsReplication { get; }

    /// <summary>The settings it asks for.</summary>
    /// <inheritdoc cref="StartupSettings.Of" path="/exception"/>
    public SessionSettings Settings => _settings ??= StartupSettings.Of(Message, _fromOptions);

    /// <summary>The login of a user with a role.</summary>
    public ClientLogin LoginOf(string user, UserRole role)
    {
        ClientLogin? known = _login;
        if (known is not null && known.Role == role && known.User == user) return known;
        int keyLength = Message.NegotiatedVersion.Minor >= 2 ? 32 : 4;
        return _login = new ClientLogin(user, role, Settings, keyLength, IsReplication && StartupSettings.AsksForReplication(Message));
    }

    /// <summary>The parameters that a client is told at login: the server's, with those that it set itself, and the name it knows itself by.</summary>
    /// <param name="welcome">What a server of its role reports, the one object of its pool.</param>
    /// <param name="user">Its user.</param>
    /// <param name="values">Makes equal snapshots of the pool one object.</param>
    public ParameterSnapshot ToldOf(ParameterSnapshot welcome, string user, Interner<ParameterSnapshot> values)
    {
        Greeting? known = _greeting;
        if (known is not null && ReferenceEquals(known.Welcome, welcome) && known.User == user) return known.Told;
        ParameterSnapshot told = welcome;
        foreach ((string name, string value) in Message.Parameters)
        {
            // Reported as the client spelled it, as drivers compare; should the server spell it otherwise, it says so with the first answer.
            if (told[name] is not null) told = told.With(name, value);
        }
        told = values.Intern(told.With("session_authorization", user));
        _greeting = new Greeting(welcome, user, told);
        return told;
    }

    private sealed record Greeting(ParameterSnapshot Welcome, string User, ParameterSnapshot Told);
}
