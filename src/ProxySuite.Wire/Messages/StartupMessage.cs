using System.Diagnostics.CodeAnalysis;
using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>StartupMessage (F): the protocol version a client speaks, who it is, and settings for its session.</summary>
public sealed class StartupMessage
{
    private const string ProtocolOptionPrefix = "_pq_.";

    private readonly Dictionary<string, string> _byName;

    private StartupMessage(
        ProtocolVersion version,
        List<KeyValuePair<string, string>> parameters,
        Dictionary<string, string> byName,
        List<string> unsupportedOptions)
    {
        Version = version;
        Parameters = parameters;
        _byName = byName;
        UnsupportedOptions = unsupportedOptions;
        User = byName["user"];
        Database = byName.TryGetValue("database", out string? database) && database.Length > 0 ? database : User;
    }

    /// <summary>The version asked for, of major 3 and any minor.</summary>
    public ProtocolVersion Version { get; }

    /// <summary>The version to speak: the one asked for, or 3.2 where that is newer.</summary>
    public ProtocolVersion NegotiatedVersion => Version.Minor > ProtocolVersion.V32.Minor ? ProtocolVersion.V32 : Version;

    /// <summary>Names of the <c>_pq_.</c> options sent: none is known, so all go into NegotiateProtocolVersion.</summary>
    public IReadOnlyList<string> UnsupportedOptions { get; }

    /// <summary>True when NegotiateProtocolVersion has to be sent before the first Authentication message.</summary>
    public bool NeedsNegotiation => NegotiatedVersion != Version || UnsupportedOptions.Count > 0;

    /// <summary>Not empty.</summary>
    public string User { get; }

    /// <summary>The database named, else the user's name, as the protocol has it.</summary>
    public string Database { get; }

    /// <summary>All parameters in the order they came, user and database among them, <c>_pq_.</c> options not.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Parameters { get; }

    /// <summary>The value of a parameter; names of settings have no case.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out string? value) => _byName.TryGetValue(name, out value);

    /// <param name="version">The code word of the packet.</param>
    /// <param name="rest">What follows the code word: pairs of terminated strings, then one zero byte.</param>
    /// <exception cref="PgProtocolException">
    /// 08P01: another major version, a missing terminator, bytes behind the last, a parameter given twice, no user, user or database not UTF-8.
    /// </exception>
    internal static StartupMessage Read(ProtocolVersion version, ReadOnlySpan<byte> rest)
    {
        if (version.Major != 3)
        {
            PgProtocolException.Throw($"unsupported frontend protocol {version}: server supports 3.0 to 3.2");
        }

        var parameters = new List<KeyValuePair<string, string>>();
        var byName = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var unsupportedOptions = new List<string>();
        var reader = new BodyReader(rest, nameof(StartupMessage));
        while (true)
        {
            ReadOnlySpan<byte> nameBytes = reader.CString();
            if (nameBytes.IsEmpty)
            {
                break;
            }

            string name = Encoding.UTF8.GetString(nameBytes);
            string value = Decode(name, reader.CString());

            // The server lets the last one win; a proxy that checks the first would be led astray.
            if (!byName.TryAdd(name, value))
            {
                PgProtocolException.ThrowMalformed(nameof(StartupMessage), "a parameter is given twice");
            }

            if (name.StartsWith(ProtocolOptionPrefix, StringComparison.Ordinal))
            {
                unsupportedOptions.Add(name);
            }
            else
            {
                parameters.Add(new(name, value));
            }
        }

        reader.End();
        if (!byName.TryGetValue("user", out string? user) || user.Length == 0)
        {
            PgProtocolException.ThrowMalformed(nameof(StartupMessage), "it names no user");
        }

        return new StartupMessage(version, parameters, byName, unsupportedOptions);
    }

    /// <param name="to">Where the packet goes.</param>
    /// <param name="version">The version to ask for.</param>
    /// <param name="parameters">Names and values, user among them, each name once; no zero character.</param>
    public static void Write(FrameWriter to, ProtocolVersion version, ReadOnlySpan<KeyValuePair<string, string>> parameters)
    {
        int mark = to.BeginUntyped();
        to.WriteInt32(version.Code);
        foreach ((string name, string value) in parameters)
        {
            to.WriteCString(name);
            to.WriteCString(value);
        }

        to.WriteByte(0);
        to.End(mark);
    }

    private static string Decode(string name, ReadOnlySpan<byte> value)
    {
        // Settings such as application_name may come in the client's own encoding, and what cannot be read is replaced. Identities
        // are never replaced: two different byte strings must not become one name.
        if (!name.Equals("user", StringComparison.OrdinalIgnoreCase) && !name.Equals("database", StringComparison.OrdinalIgnoreCase))
        {
            return Encoding.UTF8.GetString(value);
        }

        if (!System.Text.Unicode.Utf8.IsValid(value))
        {
            PgProtocolException.ThrowMalformed(nameof(StartupMessage), "user and database must be UTF-8");
        }

        return Encoding.UTF8.GetString(value);
    }
}
