using System.Buffers;
using System.Buffers.Text;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Scram;

/// <summary>Takes a SCRAM message apart, attribute by attribute: <c>x=value</c>, separated by commas (RFC 5802 §5.1).</summary>
internal ref struct ScramMessage(ReadOnlySpan<byte> text, string name)
{
    private readonly ReadOnlySpan<byte> _text = text;
    private readonly string _name = name;

    /// <summary>Bytes read so far, the comma behind the last attribute included.</summary>
    public int Position { get; private set; }

    /// <summary>True when another attribute follows.</summary>
    public readonly bool HasMore => Position < _text.Length;

    /// <summary>The letter of the next attribute, 0 when there is none.</summary>
    public readonly byte Next => HasMore ? _text[Position] : (byte)0;

    /// <summary>The value of the next attribute, which must bear this letter.</summary>
    public ReadOnlySpan<byte> Attribute(char letter)
    {
        ReadOnlySpan<byte> rest = _text[Position..];
        if (rest.Length < 2 || rest[0] != letter || rest[1] != '=')
        {
            PgProtocolException.ThrowMalformed(_name, $"attribute '{letter}' is missing");
        }

        int end = rest.IndexOf((byte)',');
        ReadOnlySpan<byte> value = end < 0 ? rest[2..] : rest[2..end];
        Position += end < 0 ? rest.Length : end + 1;
        return value;
    }

    /// <summary>The bytes up to the next comma, without a letter.</summary>
    public ReadOnlySpan<byte> Field()
    {
        ReadOnlySpan<byte> rest = _text[Position..];
        int end = rest.IndexOf((byte)',');
        if (end < 0)
        {
            PgProtocolException.ThrowMalformed(_name, "it is shorter than its fields");
        }

        Position += end + 1;
        return rest[..end];
    }

    /// <summary>A nonce: printable ASCII, not empty; a comma ended it already.</summary>
    public ReadOnlySpan<byte> Nonce()
    {
        ReadOnlySpan<byte> nonce = Attribute('r');
        if (nonce.IsEmpty || nonce.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e))
        {
            PgProtocolException.ThrowMalformed(_name, "its nonce is not printable ASCII");
        }

        return nonce;
    }

    /// <summary>A value in base64, decoded.</summary>
    public byte[] Base64Attribute(char letter) => Decode(Attribute(letter), [], letter, _name).ToArray();

    /// <summary>Decodes the value of an attribute, into the room given if that is large enough.</summary>
    public static ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> text, Span<byte> room, char letter, string name)
    {
        int lengthMax = Base64.GetMaxDecodedFromUtf8Length(text.Length);
        Span<byte> bytes = lengthMax <= room.Length ? room : new byte[lengthMax];

        // The decoder skips blanks; the grammar knows none.
        bool hasBlank = text.ContainsAny(" \t\r\n"u8);
        OperationStatus status = Base64.DecodeFromUtf8(text, bytes, out int consumed, out int written);
        if (hasBlank || status != OperationStatus.Done || consumed != text.Length)
        {
            PgProtocolException.ThrowMalformed(name, $"attribute '{letter}' is not base64");
        }

        return bytes[..written];
    }

    /// <summary>Passes over optional extensions, which RFC 5802 bids to ignore, to the end.</summary>
    public void SkipExtensions()
    {
        while (HasMore)
        {
            Attribute((char)Next);
        }
    }

    /// <summary>Passes over optional extensions up to the attribute that bears this letter.</summary>
    /// <returns>Where that attribute begins.</returns>
    public int SkipExtensionsUntil(char letter)
    {
        while (Next != letter)
        {
            Attribute(HasMore ? (char)Next : letter);
        }

        return Position;
    }

    public readonly void End()
    {
        if (HasMore)
        {
            PgProtocolException.ThrowMalformed(_name, "it is longer than its attributes");
        }
    }
}
