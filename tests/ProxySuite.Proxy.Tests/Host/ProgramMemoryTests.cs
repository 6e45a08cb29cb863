using System.Globalization;
using System.Text;
using ProxySuite.Host;
using Xunit;

namespace ProxySuite.Proxy.Tests.Host;

public sealed class ProgramMemoryTests
{
    [Theory]
    [InlineData("7f00000000-7f00002000 r-xp 00000000 fe:01 12 /usr/lib/libc.so.6", "Anonymous:             0 kB", true)]
    [InlineData("7f00000000-7f00002000 r--s 00000000 fe:01 12 /opt/proxyd/Npgsql.dll", "Private_Dirty:         0 kB", true)]
    [InlineData("7f00000000-7f00002000 r--p 00000000 fe:01 12 /usr/lib/libc.so.6", "Anonymous:             4 kB", false)]
    [InlineData("7f00000000-7f00002000 r--p 00000000 fe:01 12 /usr/lib/libc.so.6", "Private_Dirty:         8 kB", false)]
    [InlineData("7f00000000-7f00002000 r--p 00000000 fe:01 12 /usr/lib/libc.so.6", "Swap:                  8 kB", false)]
    [InlineData("7f00000000-7f00002000 rw-p 00000000 fe:01 12 /usr/lib/libc.so.6", "Anonymous:             0 kB", false)]
    [InlineData("7f00000000-7f00002000 r-xs 00000000 00:01 12 /memfd:doublemapper (deleted)", "Anonymous:             0 kB", false)]
    [InlineData("7f00000000-7f00002000 r--p 00000000 00:00 0", "Anonymous:             0 kB", false)]
    [InlineData("7f00000000-7f00002000 r-xp 00000000 00:00 0 [vdso]", "Anonymous:             0 kB", false)]
    public void Only_mappings_of_files_that_were_never_written_are_given_back(string header, string detail, bool isGivenBack)
    {
        string smaps = $"{header}\nSize:                  8 kB\nRss:                   8 kB\n{detail}\nVmFlags: rd mr mw me\n7f10000000-7f10001000 ---p 00000000 00:00 0\nRss: 0 kB\n";
        foreach (int piece in (int[])[1, 7, 10_000])
        {
            var found = new List<ProgramMemory.Mapping>();
            ProgramMemory.ReadCleanFiles(new Pieces(Encoding.UTF8.GetBytes(smaps), piece), found.Add);
            Assert.Equal(isGivenBack ? [new ProgramMemory.Mapping(0x7f00000000, 0x2000)] : [], found);
        }
    }

    [Fact]
    public void The_last_mapping_counts_and_a_long_path_does_no_harm()
    {
        string smaps = $"7f00000000-7f00002000 r-xp 00000000 fe:01 12 /{new string('x', 4000)}\nAnonymous: 4 kB\n7f00003000-7f00004000 r-xp 00000000 fe:01 12 /a\nAnonymous: 0 kB\n";
        var found = new List<ProgramMemory.Mapping>();
        ProgramMemory.ReadCleanFiles(new MemoryStream(Encoding.UTF8.GetBytes(smaps)), found.Add);
        Assert.Equal([new ProgramMemory.Mapping(0x7f00003000, 0x1000)], found);
    }

    [Fact]
    public void Giving_back_lowers_what_is_resident_of_files_and_the_program_goes_on()
    {
        long before = ResidentFileKilobytes();
        ProgramMemory.ReleaseFiles();
        Assert.True(ResidentFileKilobytes() < before);
        Assert.Equal("AB", Convert.ToHexString([0xAB]));
    }

    private static long ResidentFileKilobytes()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssFile:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>A stream that gives so many bytes at a time, as /proc gives a page.</summary>
    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, piece));
    }
}
