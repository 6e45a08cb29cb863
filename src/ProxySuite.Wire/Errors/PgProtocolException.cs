using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Errors;

/// <summary>
/// The peer broke the protocol: SQLSTATE 08P01. Where the next message begins is no longer known or no longer matters, so the
/// connection ends. The only exception that readers of this library throw because of the bytes they are given.
/// </summary>
public sealed class PgProtocolException(string message, string? detail = null)
    : PgErrorException(new PgError(SqlState.ProtocolViolation, message, Hint, detail, Severity: "FATAL"))
{
    private const string Hint = "The connection is closed. Check that the peer speaks the PostgreSQL protocol, version 3.0 or 3.2.";

    /// <summary>A length word that is below four, negative, or above what the reader accepts.</summary>
    [DoesNotReturn]
    public static void ThrowBadLength(byte type, int length) => throw new PgProtocolException(
        string.Create(CultureInfo.InvariantCulture, $"invalid message length {length} in a message of type {Printable(type)}"));

    /// <summary>A body that does not have the form of its message.</summary>
    /// <param name="message">Name of the message, as in the protocol docs.</param>
    /// <param name="reason">What is wrong with it, in lower case.</param>
    [DoesNotReturn]
    public static void ThrowMalformed(string message, string reason) => throw new PgProtocolException($"invalid {message} message: {reason}");

    /// <summary>Any other violation.</summary>
    [DoesNotReturn]
    public static void Throw(string message) => throw new PgProtocolException(message);

    /// <summary>A message that is legal in itself and not in this state.</summary>
    public static PgProtocolException Unexpected<TState>(TState state, BackendMessage message)
        where TState : struct, Enum
        => new($"unexpected message {Name(message)} from the server in state {state}");

    /// <inheritdoc cref="Unexpected{TState}(TState, BackendMessage)"/>
    public static PgProtocolException Unexpected<TState>(TState state, FrontendMessage message)
        where TState : struct, Enum
        => new($"unexpected message {Name(message)} from the client in state {state}");

    private static string Name<T>(T message)
        where T : struct, Enum
        => Enum.IsDefined(message) ? message.ToString() : Printable((byte)(object)message);

    private static string Printable(byte type) => type is > 32 and < 127
        ? $"'{(char)type}'"
        : string.Create(CultureInfo.InvariantCulture, $"0x{type:x2}");
}
