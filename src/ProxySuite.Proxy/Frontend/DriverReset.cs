using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// What Npgsql's pool sends in front of the next user's first statement when the connection holds prepared statements, which DISCARD ALL would drop
/// (NpgsqlConnector.GenerateResetMessage): all of DISCARD ALL but DEALLOCATE ALL. Word by word it sets an identity and settings in a text of several
/// statements, for which a client would be pinned; as a whole it leaves nothing behind.
/// </summary>
internal static class DriverReset
{
    private static ReadOnlySpan<byte> Npgsql
        => "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP"u8;

    /// <summary>The pins that the reset undoes: all but those of SQL PREPARE, of libraries, and of what nobody looked at.</summary>
    public static PinReason[] Undoes { get; } = [PinReason.TempTable, PinReason.HoldCursor, PinReason.AdvisoryLock, PinReason.SessionSetting, PinReason.Listen];

    public static bool Is(ReadOnlySpan<byte> sql) => sql.SequenceEqual(Npgsql);
}
