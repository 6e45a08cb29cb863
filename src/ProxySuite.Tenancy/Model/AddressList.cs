using System.Net;

namespace ProxySuite.Tenancy.Model;

/// <summary>Networks from which a tenant's users may log in. An empty list allows every address.</summary>
public sealed class AddressList : IEquatable<AddressList>
{
    /// <summary>Most networks in a list; all of them are looked at for each login.</summary>
    public const int CountMax = 100;

    private readonly IPNetwork[] _networks;

    private AddressList(IPNetwork[] networks) => _networks = networks;

    /// <summary>Every address.</summary>
    public static AddressList Any { get; } = new([]);

    public bool IsAny => _networks.Length == 0;

    /// <value>Such as <c>10.0.0.0/8</c> and <c>2001:db8::/32</c>; empty for every address.</value>
    public IReadOnlyList<string> Texts => Array.ConvertAll(_networks, network => network.ToString());

    /// <summary>Reads networks, <c>address/bits</c>, and single addresses.</summary>
    /// <exception cref="FormatException">One of them is neither, or there are too many; the message says which and why.</exception>
    public static AddressList Parse(IReadOnlyCollection<string> texts)
    {
        if (texts.Count > CountMax) throw new FormatException($"there are {texts.Count} networks; at most {CountMax} are allowed");
        return texts.Count == 0 ? Any : new AddressList([.. texts.Select(ParseNetwork).Distinct()]);
    }

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <inheritdoc cref="Parse(IReadOnlyCollection{string})" path="/exception"/>
    public static AddressList Parse(string text) => Parse(text.Length == 0 ? [] : text.Split(','));

    /// <summary>Whether a client with this address may log in.</summary>
    /// <param name="address">IPv4 also where it came mapped into IPv6; null for a client on the Unix socket, which is on the proxy's own machine and has no address.</param>
    public bool Allows(IPAddress? address) => _networks.Length == 0 || address is null || Array.Exists(_networks, network => network.Contains(address));

    /// <inheritdoc/>
    public bool Equals(AddressList? other) => other is not null && _networks.AsSpan().SequenceEqual(other._networks);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AddressList);

    /// <inheritdoc/>
    public override int GetHashCode() => _networks.Aggregate(0, HashCode.Combine);

    public override string ToString() => string.Join(',', Texts);

    private static IPNetwork ParseNetwork(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string addressText = slash < 0 ? text : text[..slash];
        // The framework's reader also takes "10" and "0x0a000001" for IPv4 addresses; here each of them is a slip.
        bool isWritten = addressText.Contains(':', StringComparison.Ordinal) ? !addressText.AsSpan().ContainsAny("[]%") : addressText.Count(letter => letter == '.') == 3 && addressText.All(letter => letter == '.' || char.IsAsciiDigit(letter));
        if (!isWritten || !IPAddress.TryParse(addressText, out IPAddress? address)) throw new FormatException($"\"{text}\" is not a network, such as 10.0.0.0/8 or 2001:db8::/32, and not an address");
        if (address.IsIPv4MappedToIPv6) throw new FormatException($"\"{text}\" is an IPv4 address in IPv6 form; write {address.MapToIPv4()}");
        int bitsMax = address.GetAddressBytes().Length * 8;
        if (slash < 0) return new IPNetwork(address, bitsMax);
        if (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int bits) || bits > bitsMax)
            throw new FormatException($"\"{text}\" is not a network: behind the slash stands a number of bits, {bitsMax} at most");
        var network = new IPNetwork(Masked(address, bits), bits);
        return network.BaseAddress.Equals(address) ? network : throw new FormatException($"\"{text}\" has bits behind its mask; write {network}, or {address} for one address");
    }

    private static IPAddress Masked(IPAddress address, int bits)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = bits; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPAddress(bytes);
    }
}
