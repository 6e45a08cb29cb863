using System.Reflection;
using Xunit.Sdk;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>What the peer's stream runs over.</summary>
public enum Network
{
    Tcp,
    Unix,
}

/// <summary>Runs a test for each kind of reactor over TCP and Unix sockets: one promise, whatever feeds it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EveryTransportAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
        => from kind in Enum.GetValues<TransportKind>()
           from network in Enum.GetValues<Network>()
           select new object[] { kind, network };
}

/// <summary>Runs a test for each kind of reactor.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EveryKindAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => Enum.GetValues<TransportKind>().Select(kind => new object[] { kind });
}
