using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Messages;

/// <summary>CancelRequest (F), the packet of a connection of its own: end the query of the session with this process id and key.</summary>
public sealed class CancelRequest
{
    private readonly byte[] _key;

    private CancelRequest(int processId, byte[] key)
    {
        ProcessId = processId;
        _key = key;
    }

    public int ProcessId { get; }

    /// <summary>4 bytes in protocol 3.0, 4 to 256 in 3.2. Compare it in constant time.</summary>
    public ReadOnlySpan<byte> Key => _key;

    /// <exception cref="PgProtocolException">08P01, when the key is shorter or longer than the protocol allows.</exception>
    internal static CancelRequest Read(ReadOnlySpan<byte> rest)
    {
        var reader = new BodyReader(rest, nameof(CancelRequest));
        int processId = reader.Int32();
        ReadOnlySpan<byte> key = reader.Rest();
        if (key.Length is < BackendKeyData.KeyLengthMin or > BackendKeyData.KeyLengthMax)
        {
            PgProtocolException.ThrowMalformed(nameof(CancelRequest), "its key is not 4 to 256 bytes long");
        }

        return new CancelRequest(processId, key.ToArray());
    }
}
