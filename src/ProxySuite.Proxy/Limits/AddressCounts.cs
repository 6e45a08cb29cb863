using System.Net;
using System.Net.Sockets;

namespace ProxySuite.Proxy.Limits;

/// <summary>Client connections by the address they come from. Any thread: it is asked twice a connection.</summary>
internal sealed class AddressCounts
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _counts = [];

    /// <summary>Addresses with connections now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _counts.Count;
        }
    }

    /// <summary>What a connection counts under: its address, of IPv6 the /64 network, as a single host has all of it; null for Unix sockets.</summary>
    public static IPAddress? KeyOf(EndPoint endPoint)
    {
        if (endPoint is not IPEndPoint { Address: var address }) return null;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        byte[] bytes = address.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return new IPAddress(bytes);
    }

    /// <summary>One more.</summary>
    /// <returns>How many there are now, this one included.</returns>
    public int Add(IPAddress address)
    {
        lock (_gate) return _counts[address] = _counts.GetValueOrDefault(address) + 1;
    }

    /// <summary>One less.</summary>
    public void Remove(IPAddress address)
    {
        lock (_gate)
        {
            int left = _counts.GetValueOrDefault(address) - 1;
            if (left > 0) _counts[address] = left;
            else _counts.Remove(address);
        }
    }
}
