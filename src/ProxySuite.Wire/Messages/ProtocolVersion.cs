using System.Globalization;

namespace ProxySuite.Wire.Messages;

/// <summary>A protocol version as it stands in a StartupMessage: major in the upper, minor in the lower 16 bits.</summary>
public readonly record struct ProtocolVersion(int Code)
{
    /// <summary>3.0: every client and server.</summary>
    public static readonly ProtocolVersion V30 = new(0x0003_0000);

    /// <summary>3.2: PostgreSQL 18; cancel keys of up to 256 bytes. (There is no 3.1.)</summary>
    public static readonly ProtocolVersion V32 = new(0x0003_0002);

    public int Major => Code >>> 16;

    public int Minor => Code & 0xffff;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");
}
