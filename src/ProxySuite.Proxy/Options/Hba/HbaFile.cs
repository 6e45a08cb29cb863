using System.Collections.Frozen;
using System.Text;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>Reads host rules in the form of pg_hba.conf. What PostgreSQL allows there and this proxy cannot do is an error of its line, never passed over.</summary>
internal static class HbaFile
{
    /// <summary>Largest file read, in bytes: several lines for each of 10,000 tenants.</summary>
    private const int BytesMax = 4 << 20;

    private static readonly string[] Types = ["local", "host", "hostssl", "hostnossl"];

    /// <summary>Databases that are no tenants: the admin console.</summary>
    private static readonly string[] Consoles = ["pgbouncer", "proxysuite"];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">Told of all that is wrong, with file and line.</param>
    /// <returns>The rules; of no use where a problem was told.</returns>
    public static HostRules Read(string path, Action<string> problem)
    {
        string? text = SmallFile.ReadText(path, BytesMax, problem);
        return text is null ? HostRules.Default : Parse(text, (line, reason) => problem($"{path} line {line}: {reason}"));
    }

    /// <summary>Reads rules from text.</summary>
    /// <param name="text">Lines as in pg_hba.conf.</param>
    /// <param name="wrong">Told of all that is wrong, by line.</param>
    public static HostRules Parse(string text, Action<int, string> wrong)
    {
        List<HostRule> rules = [];
        int problems = 0;
        foreach (HbaLine line in HbaLine.Split(text.TrimStart('\uFEFF'), Tell))
        {
            try
            {
                rules.Add(ReadRule(line));
            }
            catch (FormatException exception)
            {
                Tell(line.Number, exception.Message);
            }
        }
        if (rules.Count == 0 && problems == 0) wrong(1, "there is no rule, so nobody could log in");
        return new HostRules(rules);

        void Tell(int line, string reason)
        {
            problems++;
            wrong(line, reason);
        }
    }

    private static HostRule ReadRule(HbaLine line)
    {
        string word = Single(line, 0, "connection type");
        if (word.StartsWith("include", StringComparison.Ordinal)) throw new FormatException($"{word} is not available; write the rules into one file");
        if (word is "hostgssenc" or "hostnogssenc") throw new FormatException($"{word}: there is no GSSAPI encryption here; write host");
        int type = Array.IndexOf(Types, word);
        if (type < 0) throw new FormatException($"\"{word}\" is not a connection type: local, host, hostssl or hostnossl");

        FrozenSet<string>? tenants = Tenants(Field(line, 1, "tenant"));
        FrozenSet<string>? users = Users(Field(line, 2, "user"));
        int next = 3;
        AddressRange[]? addresses = type == (int)HostRuleType.Local ? null : Addresses(line, ref next);
        LoginMethod method = HbaMethod.Of(Single(line, next++, "authentication method"));
        var rule = new HostRule(line.Number, (HostRuleType)type, tenants, users, addresses, method);
        return HbaMethod.WithOptions(rule, line.Fields.Skip(next).SelectMany(field => field).Select(word => word.Text));
    }

    private static FrozenSet<string>? Tenants(IReadOnlyList<HbaWord> words)
    {
        var slugs = new HashSet<string>(StringComparer.Ordinal);
        foreach (HbaWord word in words)
        {
            if (word is { IsQuoted: false, Text: "all" }) return null;
            if (word is { IsQuoted: false, Text: "sameuser" or "samerole" or "samegroup" }) throw new FormatException($"{word.Text} is not available; name the tenants, or write all");
            if (word is { IsQuoted: false, Text: "replication" }) throw new FormatException("replication is not available: such connections are refused without a rule; remove the line");
            RefuseSigns(word, "the tenant field");
            if (!Consoles.Contains(word.Text) && TenantSlug.WhyRefused(word.Text) is { } reason) throw new FormatException(reason);
            slugs.Add(word.Text);
        }
        return slugs.ToFrozenSet(StringComparer.Ordinal);
    }

    private static FrozenSet<string>? Users(IReadOnlyList<HbaWord> words)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (HbaWord word in words)
        {
            if (word is { IsQuoted: false, Text: "all" }) return null;
            RefuseSigns(word, "the user field");
            if (Encoding.UTF8.GetByteCount(word.Text) is 0 or > 63) throw new FormatException($"\"{word.Text}\" is no user: a name has 1 to 63 bytes");
            names.Add(word.Text);
        }
        return names.ToFrozenSet(StringComparer.Ordinal);
    }

    private static void RefuseSigns(HbaWord word, string field)
    {
        if (word.IsQuoted || word.Text.Length == 0) return;
        string? what = word.Text[0] switch { '+' => "members of a role", '@' => "a list in another file", '/' => "a regular expression", _ => null };
        if (what is not null) throw new FormatException($"\"{word.Text}\": {what} is not available in {field}; list the names, in quotes where they begin with this sign");
    }

    private static AddressRange[]? Addresses(HbaLine line, ref int next)
    {
        IReadOnlyList<HbaWord> field = Field(line, next++, "address");
        if (field.Count > 1) throw new FormatException("an address field holds one address; write a line for each");
        HbaWord word = field[0];
        if (word is { IsQuoted: false, Text: "all" }) return null;
        if (word is { IsQuoted: false, Text: "samehost" }) return AddressRange.OfThisMachine();
        if (word is { IsQuoted: false, Text: "samenet" }) throw new FormatException("samenet is not available; write the network as address/bits");
        if (word.Text.Contains('/', StringComparison.Ordinal))
        {
            return AddressRange.TryParse(word.Text, out AddressRange? range) ? [range] : throw new FormatException($"\"{word.Text}\" is not address/bits");
        }
        if (!AddressRange.IsAddress(word.Text)) throw new FormatException($"\"{word.Text}\" is not an address; names of hosts are not looked up");
        string mask = Single(line, next++, "mask");
        return AddressRange.TryParse(word.Text, mask, out AddressRange? masked)
            ? [masked]
            : throw new FormatException($"\"{mask}\" is not a mask for {word.Text}; write {word.Text}/32 or /128 for one address");
    }

    private static string Single(HbaLine line, int index, string what)
    {
        IReadOnlyList<HbaWord> field = Field(line, index, what);
        return field.Count == 1 ? field[0].Text : throw new FormatException($"the {what} is one word, not a list");
    }

    private static IReadOnlyList<HbaWord> Field(HbaLine line, int index, string what)
        => index < line.Fields.Count ? line.Fields[index] : throw new FormatException($"the line ends before its {what}");
}
