using System.Buffers.Binary;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>What an Authentication message asks for or says: the Int32 at the beginning of its body.</summary>
public enum AuthenticationKind
{
    Ok = 0,
    KerberosV5 = 2,
    CleartextPassword = 3,
    MD5Password = 5,
    GSS = 7,
    GSSContinue = 8,
    SSPI = 9,
    SASL = 10,
    SASLContinue = 11,
    SASLFinal = 12,
}

/// <summary>AuthenticationOk, …, AuthenticationSASLFinal (B): they share one type byte. All spans lie in the body.</summary>
public readonly ref struct Authentication
{
    /// <summary>The SASL mechanism every client knows since PostgreSQL 10.</summary>
    public static ReadOnlySpan<byte> ScramSha256 => "SCRAM-SHA-256"u8;

    /// <summary>The same, bound to the TLS channel.</summary>
    public static ReadOnlySpan<byte> ScramSha256Plus => "SCRAM-SHA-256-PLUS"u8;

    private Authentication(AuthenticationKind kind, ReadOnlySpan<byte> data)
    {
        Kind = kind;
        Data = data;
    }

    public AuthenticationKind Kind { get; }

    /// <summary>What follows the kind: four bytes of salt (MD5Password), terminated names of mechanisms (SASL), the mechanism's data.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>True when a SASL request names the mechanism.</summary>
    public bool Offers(ReadOnlySpan<byte> mechanism)
    {
        ReadOnlySpan<byte> rest = Kind == AuthenticationKind.SASL ? Data : default;
        while (rest.Length > 0)
        {
            int length = rest.IndexOf((byte)0);
            if (rest[..length].SequenceEqual(mechanism))
            {
                return true;
            }

            rest = rest[(length + 1)..];
        }

        return false;
    }

    /// <exception cref="PgProtocolException">08P01, when the kind is unknown or what follows does not fit it.</exception>
    public static Authentication Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Authentication));
        var kind = (AuthenticationKind)reader.Int32();
        ReadOnlySpan<byte> data = default;
        switch (kind)
        {
            case AuthenticationKind.Ok or AuthenticationKind.KerberosV5 or AuthenticationKind.CleartextPassword
                or AuthenticationKind.GSS or AuthenticationKind.SSPI:
                break;
            case AuthenticationKind.MD5Password:
                data = reader.Take(4);
                break;
            case AuthenticationKind.SASL:
                int start = reader.Position;
                while (reader.CString().Length > 0)
                {
                }

                data = body[start..(reader.Position - 1)];
                break;
            case AuthenticationKind.GSSContinue or AuthenticationKind.SASLContinue or AuthenticationKind.SASLFinal:
                data = reader.Rest();
                break;
            default:
                PgProtocolException.ThrowMalformed(nameof(Authentication), "its kind is unknown");
                break;
        }

        reader.End();
        return new Authentication(kind, data);
    }

    public static void WriteOk(FrameWriter to) => Write(to, AuthenticationKind.Ok, default);

    public static void WriteCleartextPassword(FrameWriter to) => Write(to, AuthenticationKind.CleartextPassword, default);

    /// <param name="to">Where the message goes.</param>
    /// <param name="salt">Four random bytes, as the client reads them.</param>
    public static void WriteMD5Password(FrameWriter to, uint salt)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, salt);
        Write(to, AuthenticationKind.MD5Password, bytes);
    }

    /// <summary>Offers SCRAM-SHA-256, and before it SCRAM-SHA-256-PLUS where there is a TLS channel to bind to.</summary>
    public static void WriteSASL(FrameWriter to, bool withChannelBinding)
        => Write(to, AuthenticationKind.SASL, withChannelBinding ? "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"u8 : "SCRAM-SHA-256\0\0"u8);

    public static void WriteSASLContinue(FrameWriter to, ReadOnlySpan<byte> data) => Write(to, AuthenticationKind.SASLContinue, data);

    public static void WriteSASLFinal(FrameWriter to, ReadOnlySpan<byte> data) => Write(to, AuthenticationKind.SASLFinal, data);

    private static void Write(FrameWriter to, AuthenticationKind kind, ReadOnlySpan<byte> data)
    {
        int mark = to.Begin(BackendMessage.Authentication);
        to.WriteInt32((int)kind);
        to.WriteBytes(data);
        to.End(mark);
    }
}
