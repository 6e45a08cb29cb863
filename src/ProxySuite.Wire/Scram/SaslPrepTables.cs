using System.Globalization;

namespace ProxySuite.Wire.Scram;

/// <summary>The Unicode data of <c>saslprep-tables.txt</c>, read when the first password that is not ASCII shows up.</summary>
internal sealed class SaslPrepTables
{
    private static readonly Lazy<SaslPrepTables> Loaded = new(() => new SaslPrepTables());

    private SaslPrepTables()
    {
        using Stream stream = typeof(SaslPrepTables).Assembly.GetManifestResourceStream("saslprep-tables.txt")
            ?? throw new InvalidOperationException("the assembly lacks its resource saslprep-tables.txt");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] != '#')
            {
                Add(line[0], line[2..].Split(' '));
            }
        }
    }

    public static SaslPrepTables Instance => Loaded.Value;

    public CodeRanges Spaces { get; } = new();

    public CodeRanges Nothing { get; } = new();

    public CodeRanges Prohibited { get; } = new();

    public CodeRanges Unassigned { get; } = new();

    public CodeRanges RightToLeft { get; } = new();

    public CodeRanges LeftToRight { get; } = new();

    public Dictionary<int, int> CombiningClasses { get; } = [];

    public Dictionary<int, int[]> Decompositions { get; } = [];

    public Dictionary<(int First, int Second), int> Compositions { get; } = [];

    private void Add(char mark, string[] fields)
    {
        if (mark == 'C')
        {
            CombiningClasses.Add(Code(fields[0]), int.Parse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture));
            return;
        }

        int[] codes = Array.ConvertAll(fields, Code);
        switch (mark)
        {
            case 'D':
                Decompositions.Add(codes[0], codes[1..]);
                break;
            case 'M':
                Compositions.Add((codes[0], codes[1]), codes[2]);
                break;
            default:
                Ranges(mark).Add(codes[0], codes[1]);
                break;
        }
    }

    private CodeRanges Ranges(char mark) => mark switch
    {
        'S' => Spaces,
        'N' => Nothing,
        'P' => Prohibited,
        'U' => Unassigned,
        'R' => RightToLeft,
        'L' => LeftToRight,
        _ => throw new InvalidOperationException($"saslprep-tables.txt: unknown mark {mark}"),
    };

    private static int Code(string hex) => int.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>Ranges of code points in ascending order, both ends included.</summary>
    internal sealed class CodeRanges
    {
        private readonly List<int> _firsts = [];
        private readonly List<int> _lasts = [];

        public void Add(int first, int last)
        {
            _firsts.Add(first);
            _lasts.Add(last);
        }

        public bool Contains(int code)
        {
            int found = _firsts.BinarySearch(code);
            int range = found >= 0 ? found : ~found - 1;
            return range >= 0 && code <= _lasts[range];
        }
    }
}
