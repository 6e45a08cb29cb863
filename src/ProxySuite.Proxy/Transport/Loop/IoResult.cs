namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>Answers of a non-blocking receive or send that are not a number of bytes. A receive of 0 is the peer's end-of-stream.</summary>
internal static class IoResult
{
    /// <summary>Nothing to read, or no room to write, for now.</summary>
    public const int WouldBlock = -1;

    /// <summary>The connection was reset or is otherwise unusable.</summary>
    public const int Broken = -2;
}
