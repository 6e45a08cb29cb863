using System.Collections.Immutable;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Frame;

/// <summary>What a look at something found, as a table or JSON, and as an exit code.</summary>
internal static class Findings
{
    /// <exception cref="ChecksFailedException">Something is wrong; all of it is printed before.</exception>
    public static void Write(CliContext context, ImmutableArray<CheckFinding> findings)
    {
        context.Output.Answer(findings.Select(finding => new { finding.Subject, finding.What, Result = EnumText.Of(finding.Result), finding.Found, finding.Advice }), output =>
        {
            output.Table(["", "SUBJECT", "WHAT", "FOUND"], findings.Select(finding => new[] { Mark(finding.Result), finding.Subject, finding.What, finding.Found }));
            CheckFinding[] advice = [.. findings.Where(finding => finding.Advice is not null)];
            if (advice.Length > 0) output.Line();
            foreach (CheckFinding finding in advice) output.Line($"{Mark(finding.Result)}: {finding.Subject}, {finding.What}: {finding.Advice}");
        });
        int wrong = findings.Count(finding => finding.Result == CheckResult.Wrong);
        if (wrong > 0) throw new ChecksFailedException(wrong == 1 ? "one thing is wrong" : $"{wrong} things are wrong");
    }

    private static string Mark(CheckResult result) => result switch
    {
        CheckResult.Fine => "ok",
        CheckResult.Advice => "note",
        _ => "WRONG",
    };
}
