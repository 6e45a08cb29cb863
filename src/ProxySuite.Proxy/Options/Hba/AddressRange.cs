using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>Addresses that agree with a given one in the bits of a mask, as pg_hba.conf writes them: <c>10.0.0.0/8</c>, or address and mask.</summary>
internal sealed class AddressRange
{
    private readonly byte[] _address;
    private readonly byte[] _mask;

    private AddressRange(byte[] address, byte[] mask) => (_address, _mask) = (address, mask);

    /// <summary>Whether the address is one of the range; one of the other family never is.</summary>
    public bool Contains(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int length) || length != _address.Length) return false;
        for (int i = 0; i < length; i++)
        {
            if (((bytes[i] ^ _address[i]) & _mask[i]) != 0) return false;
        }
        return true;
    }

    /// <summary>Reads <c>address/bits</c>.</summary>
    /// <returns>False when it is none, or has more bits than its family.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out AddressRange? range)
    {
        range = null;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryAddress(text[..slash], out byte[]? address)) return false;
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int bits) || bits > address.Length * 8) return false;
        var mask = new byte[address.Length];
        for (int bit = 0; bit < bits; bit++) mask[bit / 8] |= (byte)(0x80 >> (bit % 8));
        range = new AddressRange(address, mask);
        return true;
    }

    /// <summary>Makes a range of an address and a mask of the same family.</summary>
    public static bool TryParse(string address, string mask, [NotNullWhen(true)] out AddressRange? range)
    {
        range = TryAddress(address, out byte[]? addressBytes) && TryAddress(mask, out byte[]? maskBytes) && addressBytes.Length == maskBytes.Length
            ? new AddressRange(addressBytes, maskBytes)
            : null;
        return range is not null;
    }

    /// <summary>Whether the text is an address without a mask.</summary>
    public static bool IsAddress(string text) => TryAddress(text, out _);

    /// <summary>The addresses of this machine, one range each: pg_hba.conf's <c>samehost</c>.</summary>
    public static AddressRange[] OfThisMachine() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(networkInterface => networkInterface.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address.GetAddressBytes())
            .Select(bytes => new AddressRange(bytes, [.. Enumerable.Repeat((byte)0xFF, bytes.Length)])),
    ];

    // IPAddress.Parse also takes "10" and "0x0a000001" for IPv4 addresses and "[::1]:80" for an IPv6 one; in a rule each of them is a slip.
    private static bool TryAddress(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        bool isWritten = text.Contains(':', StringComparison.Ordinal) ? !text.AsSpan().ContainsAny("[]%") : text.Count(letter => letter == '.') == 3 && text.All(letter => letter == '.' || char.IsAsciiDigit(letter));
        if (!isWritten || !IPAddress.TryParse(text, out IPAddress? address)) return false;
        bytes = address.GetAddressBytes();
        return true;
    }
}
