using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>A process without free descriptors, made by lowering its own limit for a moment.</summary>
[Collection(Alone.Name)]
public sealed partial class DescriptorExhaustionTests
{
    private const int NumberOfFiles = 7; // RLIMIT_NOFILE

    [Theory, EveryTransport]
    public async Task Without_free_descriptors_accepting_pauses_and_goes_on_when_there_are_some(TransportKind kind, Network network)
    {
        await using TransportWorld world = TransportWorld.Start(kind, network);
        // Everything that this path opens or loads the first time is there before the limit falls.
        (Socket first, TransportConnection connection) = await world.ConnectAsync();
        first.Dispose();
        await world.RunAsync(connection.Abort);

        Socket[] peers = [.. Enumerable.Range(0, 5).Select(_ => world.NewSocket())];
        var fillers = new List<SafeFileHandle>();
        Limit before = Lower(2 + Directory.GetFileSystemEntries("/proc/self/fd").Max(f => int.Parse(Path.GetFileName(f), null)));
        long turns, pauses;
        try
        {
            Fill(fillers);
            foreach (Socket peer in peers)
                peer.Connect(world.EndPoint); // the kernel's backlog takes them
            await Task.Delay(350);
            (turns, pauses) = (world.Reactor.Counters.Turns, world.Reactor.Counters.AcceptPauses);
            await Task.Delay(350);
            turns = world.Reactor.Counters.Turns - turns;
        }
        finally
        {
            fillers.ForEach(f => f.Dispose());
            Check(SetLimit(NumberOfFiles, in before));
        }
        Assert.True(pauses > 0);
        Assert.InRange(turns, 0, 100); // a busy loop turns a hundred thousand times
        var accepted = new List<TransportConnection>();
        foreach (Socket _ in peers)
            accepted.Add(await world.AcceptedAsync());
        await world.RunAsync(() => accepted.ForEach(c => c.Send("late"u8)));
        foreach (Socket peer in peers)
        {
            Assert.Equal(4, (await peer.ReceiveExactlyAsync(4)).Length);
            peer.Dispose();
        }
        await world.RunAsync(() => accepted.ForEach(c => c.Abort()));
    }

    private static void Fill(List<SafeFileHandle> fillers)
    {
        try
        {
            while (true)
                fillers.Add(File.OpenHandle("/dev/null"));
        }
        catch (IOException)
        {
            // Too many open files.
        }
    }

    private static Limit Lower(int descriptors)
    {
        Check(GetLimit(NumberOfFiles, out Limit before));
        Limit lower = before with { Soft = (nuint)descriptors };
        Check(SetLimit(NumberOfFiles, in lower));
        return before;
    }

    private static void Check(int answer) => Assert.Equal(0, answer);

    private readonly record struct Limit(nuint Soft, nuint Hard);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);
}
