using ProxySuite.Tenancy.Units;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class UnitsTests
{
    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("10s", 10_000)]
    [InlineData("5m", 300_000)]
    [InlineData("5min", 300_000)]
    [InlineData("48h", 172_800_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData(" 10 s ", 10_000)]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    public void A_duration_is_a_number_and_a_unit(string text, long milliseconds)
        => Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Duration.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("10")]
    [InlineData("-1s")]
    [InlineData("1.5s")]
    [InlineData("1h30m")]
    [InlineData("10S")]
    [InlineData("10 seconds")]
    [InlineData("99999999999999999d")]
    [InlineData("9999999999999999999s")]
    [InlineData("1\0s")]
    [InlineData("１s")]
    public void Any_other_text_is_no_duration_and_the_message_shows_what_is(string text)
        => Assert.Contains("10s", Assert.Throws<FormatException>(() => Duration.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("0s")]
    [InlineData("1us")]
    [InlineData("1500us")]
    [InlineData("250ms")]
    [InlineData("90s")]
    [InlineData("5m")]
    [InlineData("7h")]
    [InlineData("2d")]
    public void A_duration_is_written_in_the_shortest_form_that_reads_back(string text) => Assert.Equal(text, Duration.Format(Duration.Parse(text)));

    [Theory]
    [InlineData("512B", 512)]
    [InlineData("64kB", 65_536)]
    [InlineData("64KB", 65_536)]
    [InlineData("4MB", 4_194_304)]
    [InlineData("4mb", 4_194_304)]
    [InlineData("2GB", 2_147_483_648)]
    [InlineData("1TB", 1_099_511_627_776)]
    [InlineData("0", 0)]
    public void A_size_is_a_number_and_a_unit_in_steps_of_1024(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("4")]
    [InlineData("-4MB")]
    [InlineData("4.5MB")]
    [InlineData("4MiB")]
    [InlineData("99999999999TB")]
    public void Any_other_text_is_no_size_and_the_message_shows_what_is(string text)
        => Assert.Contains("4MB", Assert.Throws<FormatException>(() => ByteSize.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("0B")]
    [InlineData("1000B")]
    [InlineData("64kB")]
    [InlineData("1536kB")]
    [InlineData("4MB")]
    [InlineData("3TB")]
    public void A_size_is_written_in_the_shortest_form_that_reads_back(string text) => Assert.Equal(text, ByteSize.Format(ByteSize.Parse(text)));
}
