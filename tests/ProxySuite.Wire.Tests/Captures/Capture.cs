using System.Buffers.Binary;
using System.Globalization;
using System.Reflection;

namespace ProxySuite.Wire.Tests.Captures;

/// <summary>A message that passed between a client and a real server.</summary>
/// <param name="FromBackend">True when the server sent it.</param>
/// <param name="Bytes">The whole message, header included.</param>
public sealed record CapturedMessage(bool FromBackend, byte[] Bytes)
{
    /// <summary>False for start-up packets, the one-byte answer to SSLRequest, and the one message that was sent to break the frame.</summary>
    public bool IsFramed => Bytes.Length >= 5 && Bytes[0] != 0 && BinaryPrimitives.ReadInt32BigEndian(Bytes.AsSpan(1)) == Bytes.Length - 1;
}

/// <summary>Conversations recorded by <c>record.py</c>, which lies beside this file.</summary>
public static class Capture
{
    private static readonly Assembly Resources = typeof(Capture).Assembly;

    /// <summary>Names of the recorded conversations, such as <c>pg18-extended</c>.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Resources.GetManifestResourceNames().Where(name => name.StartsWith("pg", StringComparison.Ordinal) && !IsTable(name)).Order()];

    /// <summary>One conversation, in the order its messages passed.</summary>
    public static IReadOnlyList<CapturedMessage> Read(string name)
        => [.. Lines(name).Select(fields => new CapturedMessage(fields[0] == "B", Convert.FromHexString(fields[1])))];

    /// <summary>All messages of all conversations that have a header.</summary>
    public static IReadOnlyList<CapturedMessage> Framed { get; } =
        [.. Names.SelectMany(Read).Where(message => message.IsFramed)];

    /// <summary>Start-up packets of all conversations.</summary>
    public static IReadOnlyList<byte[]> StartupPackets { get; } =
        [.. Names.SelectMany(Read).Where(message => !message.FromBackend && message.Bytes[0] == 0).Select(message => message.Bytes)];

    /// <summary>Passwords, as bytes, and what a server of this version stored for them in pg_authid.</summary>
    public static IReadOnlyList<(byte[] Password, string Verifier)> Verifiers(string server)
        => [.. Lines(server + "-verifiers").Select(fields => (Convert.FromHexString(fields[0]), fields[1]))];

    /// <summary>Texts, as bytes, how many statements a server ran, and whether a SET among them took effect.</summary>
    public static IReadOnlyList<(byte[] Sql, int Statements, bool WasSet)> Statements(string server)
        => [.. Lines(server + "-statements").Select(fields =>
            (Convert.FromHexString(fields[0]), int.Parse(fields[1], CultureInfo.InvariantCulture), fields[2] == "1"))];

    private static bool IsTable(string name)
        => name.EndsWith("-verifiers", StringComparison.Ordinal) || name.EndsWith("-statements", StringComparison.Ordinal);

    private static IEnumerable<string[]> Lines(string name)
    {
        using var reader = new StreamReader(Resources.GetManifestResourceStream(name) ?? throw new FileNotFoundException(name));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];
    }
}
