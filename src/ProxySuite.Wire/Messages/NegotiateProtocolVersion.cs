using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>NegotiateProtocolVersion (B): the server speaks an older minor version, or does not know some <c>_pq_.</c> options.</summary>
public sealed record NegotiateProtocolVersion(ProtocolVersion Version, IReadOnlyList<string> UnsupportedOptions)
{
    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    /// <remarks>The docs of PostgreSQL up to 17 call the first field the minor version alone; every server sends the whole version there.</remarks>
    public static NegotiateProtocolVersion Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(NegotiateProtocolVersion));
        var version = new ProtocolVersion(reader.Int32());
        int count = reader.Int32();

        // Each option takes at least its terminator, so that a false count cannot make us allocate more than the body holds.
        if ((uint)count > (uint)reader.Remaining)
        {
            PgProtocolException.ThrowMalformed(nameof(NegotiateProtocolVersion), "it is shorter than its fields");
        }

        var options = new string[count];
        for (int i = 0; i < count; i++)
        {
            options[i] = Encoding.UTF8.GetString(reader.CString());
        }

        reader.End();
        return new NegotiateProtocolVersion(version, options);
    }

    public static void Write(FrameWriter to, ProtocolVersion version, IReadOnlyList<string> unsupportedOptions)
    {
        int mark = to.Begin(BackendMessage.NegotiateProtocolVersion);
        to.WriteInt32(version.Code);
        to.WriteInt32(unsupportedOptions.Count);
        for (int i = 0; i < unsupportedOptions.Count; i++)
        {
            to.WriteCString(unsupportedOptions[i]);
        }

        to.End(mark);
    }
}
