namespace ProxySuite.Wire.Messages;

/// <summary>What a Describe or Close names.</summary>
public enum StatementOrPortal : byte
{
    Statement = (byte)'S',
    Portal = (byte)'P',
}
