using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>Tests that measure the whole process, its descriptors or its memory: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "transport, alone";
}
