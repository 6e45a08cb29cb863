using System.Diagnostics;
using System.Globalization;
using ProxySuite.Wire.Errors;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.Wire.Tests.Mutation;

/// <summary>What MutationTests measures is the memory of the whole process: nothing else runs beside it.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;

/// <remarks>WIRE_MUTATION_SEED and WIRE_MUTATION_INPUTS in the environment choose another run, shorter or longer.</remarks>
[Collection("alone")]
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int InputCount = 5_200_000;
    private const ulong DefaultSeed = 20261120;

    // An exception with its texts, or a start-up packet of 1,024 bytes as strings; a count that a peer made up would buy far more.
    private const long AllocatedPerInputMax = 32 * 1024;
    private const long ManagedGrowthMax = 512 * 1024;

    [Fact]
    public void Broken_inputs_cause_nothing_but_the_protocol_error_and_leave_nothing_behind()
    {
        ulong seed = Setting("WIRE_MUTATION_SEED", DefaultSeed);
        ulong inputs = Setting("WIRE_MUTATION_INPUTS", InputCount);
        var mutator = new Mutator(seed);
        Target[] wheel = [.. Target.All.SelectMany(target => Enumerable.Repeat(target, target.Weight))];
        var clock = Stopwatch.StartNew();
        ulong refused = 0;
        long allocatedMax = 0;
        long before = 0;
        for (ulong i = 0; i < inputs; i++)
        {
            if (i == inputs / 10)
            {
                // By now every path was taken: tables are loaded, methods compiled.
                before = GC.GetTotalMemory(forceFullCollection: true);
            }

            Target target = wheel[mutator.Next(wheel.Length)];
            ReadOnlySpan<byte> input = mutator.Break(target.Inputs);
            long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                target.Read(input);
            }
            catch (PgProtocolException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, input {i}, {target.Name} <- {Convert.ToHexString(input)}\n{e}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
            if (allocated > allocatedMax)
            {
                // What is loaded or compiled when a path is first taken belongs to no input.
                allocatedMax = i < inputs / 10 ? 0 : allocated;
                Assert.True(
                    allocatedMax < AllocatedPerInputMax,
                    $"seed {seed}, input {i}: {target.Name} allocated {allocated} bytes for {Convert.ToHexString(input)}");
            }
        }

        long growth = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {seed}: {inputs:N0} inputs over {Target.All.Count} readers, {refused:N0} refused, at most {allocatedMax:N0} bytes "
            + $"allocated for one, {growth:N0} bytes more at the end, {clock.Elapsed.TotalSeconds:F1} s"));
        Assert.True(growth < ManagedGrowthMax, $"seed {seed}: managed memory grew by {growth} bytes");
        Assert.InRange(refused, inputs / 4, inputs);
    }

    private static ulong Setting(string name, ulong otherwise)
        => ulong.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out ulong value) ? value : otherwise;
}
