namespace ProxySuite.Wire.Frames;

/// <summary>The type byte of every message a frontend sends after its start-up packet (protocol-message-formats).</summary>
public enum FrontendMessage : byte
{
    Bind = (byte)'B',
    Close = (byte)'C',
    CopyData = (byte)'d',
    CopyDone = (byte)'c',
    CopyFail = (byte)'f',
    Describe = (byte)'D',
    Execute = (byte)'E',
    Flush = (byte)'H',
    FunctionCall = (byte)'F',
    Parse = (byte)'P',

    /// <summary>Also SASLInitialResponse, SASLResponse and GSSResponse: the Authentication request before it tells which one it is.</summary>
    PasswordMessage = (byte)'p',
    Query = (byte)'Q',
    Sync = (byte)'S',
    Terminate = (byte)'X',
}
