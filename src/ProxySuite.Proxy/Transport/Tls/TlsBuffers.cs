namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Buffers that the TLS connections of one reactor share: each holds something during one call only, so an idle connection owns none.</summary>
internal sealed class TlsBuffers
{
    /// <summary>Most plaintext in one record, in bytes: libpq's asynchronous interface hangs on a record larger than its read of 8 kB.</summary>
    public const int RecordMax = 8 * 1024;

    [ThreadStatic]
    private static TlsBuffers? s_current;

    /// <summary>Those of the calling thread.</summary>
    public static TlsBuffers Current => s_current ??= new TlsBuffers();

    /// <summary>Plaintext on its way to a handler.</summary>
    public byte[] Plain { get; } = new byte[TransportConnection.ReceiveSize];

    /// <summary>Plaintext of the record that is encrypted now.</summary>
    public byte[] Record { get; } = new byte[RecordMax];

    /// <summary>Records that leave in one send; one more than a receive buffer fills, with what encryption adds to each.</summary>
    public byte[] Cipher { get; } = new byte[TransportConnection.ReceiveSize + RecordMax + (16 * 256)];
}
