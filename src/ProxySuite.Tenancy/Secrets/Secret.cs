using System.Diagnostics;

namespace ProxySuite.Tenancy.Secrets;

/// <summary>Text that no log, exception or serializer prints: it must be asked for by name.</summary>
[DebuggerDisplay("***")]
public sealed class Secret(string value)
{
    private readonly string _value = value;

    /// <summary>The text itself; whoever takes it answers for it.</summary>
    public string Reveal() => _value;

    public override string ToString() => "***";
}
