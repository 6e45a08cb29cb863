using BenchmarkDotNet.Attributes;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Benchmarks;

/// <summary>What the text of a statement is looked at for: by the scanner always, by the filter only where the scanner saw something that matters.</summary>
public class StatementBenchmarks
{
    private readonly StatementRules _rules = new() { Limits = new Dictionary<string, SettingLimit> { ["work_mem"] = new(SettingUnit.Kilobytes, 16384, "16384kB") } };
    private byte[] _select = [], _insert = [], _set = [];

    [GlobalSetup]
    public void Setup()
    {
        _select = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;"u8.ToArray();
        _insert = [.. "INSERT INTO line (id, text) VALUES "u8, .. Enumerable.Range(0, 100).SelectMany(_ => "(1, 'some text of a line'), "u8.ToArray()), .. "(2, 'x')"u8];
        _set = "SET work_mem = '8MB'"u8.ToArray();
    }

    [Benchmark]
    public StatementFacts Scan_a_select_of_56_bytes() => SqlScanner.Scan(_select);

    [Benchmark]
    public StatementFacts Scan_an_insert_of_2700_bytes() => SqlScanner.Scan(_insert);

    [Benchmark]
    public StatementVerdict? Judge_a_set_within_the_plan() => StatementFilter.Judge(_set, _rules);
}
