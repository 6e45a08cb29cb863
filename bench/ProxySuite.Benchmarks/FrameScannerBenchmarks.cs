using BenchmarkDotNet.Attributes;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Benchmarks;

/// <summary>Where one message ends and the next begins: what every byte of a client passes first.</summary>
public class FrameScannerBenchmarks
{
    private const int Messages = 100;
    private byte[] _stream = [];

    /// <summary>Length of each query's text, in bytes.</summary>
    [Params(8, 500)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var writer = new FrameWriter();
        for (int i = 0; i < Messages; i++) Query.Write(writer, new string('x', Length));
        _stream = writer.WrittenSpan.ToArray();
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public int Scan_a_message()
    {
        var scanner = new FrameScanner(FrameHeader.BodyLengthLimit);
        int offset = 0, found = 0;
        while (scanner.TryNext(_stream, ref offset, out _)) found++;
        return found;
    }
}
