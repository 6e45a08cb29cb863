using System.Buffers;
using ProxySuite.Testing.Protocol;
using Xunit;
using Xunit.Sdk;

namespace ProxySuite.EndToEnd.Tests.Helpers;

public sealed class TranscriptTests
{
    [Fact]
    public void Every_message_of_a_session_has_its_line()
    {
        Transcript transcript = new(startsUp: true);
        transcript.Frontend(FrontendBytes.SslRequest);
        transcript.Backend("N"u8);
        transcript.Frontend(FrontendBytes.Startup("app", "acme", [new("application_name", "t")]));
        transcript.Backend(FrontendBytes.Join(
            BackendBytes.AuthenticationOk, BackendBytes.ParameterStatus("TimeZone", "UTC"), BackendBytes.BackendKeyData(7, [1, 2, 3, 4]), BackendBytes.ReadyForQuery('I')));
        transcript.Frontend(FrontendBytes.Join(
            FrontendBytes.Parse("s1", "SELECT $1", 23), FrontendBytes.Bind("", "s1", "x\"\n", null), FrontendBytes.DescribeStatement("s1"), FrontendBytes.DescribePortal(""),
            FrontendBytes.Execute("", 10), FrontendBytes.CloseStatement("s1"), FrontendBytes.Sync, FrontendBytes.CopyFail("no")));
        transcript.Backend(FrontendBytes.Join(
            BackendBytes.ParseComplete, BackendBytes.ParameterDescription(23), BackendBytes.CopyIn(2), BackendBytes.DataRow("1", null),
            BackendBytes.Error("42601", "syntax error"), BackendBytes.Notification(7, "ch", "hello"), BackendBytes.ReadyForQuery('E')));
        transcript.Frontend(FrontendBytes.Terminate);
        transcript.Event("F closes");

        transcript.ShouldBe("""
            F SSLRequest
            B 'N'
            F StartupMessage 3.0 user=app database=acme application_name=t
            B AuthenticationOk
            B ParameterStatus TimeZone=UTC
            B BackendKeyData *
            B ReadyForQuery I
            F Parse "s1" "SELECT $1" [23]
            F Bind "" "s1" ["x\"\n", NULL]
            F Describe Statement "s1"
            F Describe Portal ""
            F Execute "" 10
            F Close Statement "s1"
            F Sync
            F CopyFail "no"
            B ParseComplete
            B ParameterDescription [23]
            B CopyInResponse text 2
            B DataRow ["1", NULL]
            B ErrorResponse ERROR 42601 "syntax error"
            B NotificationResponse * "ch" "hello"
            B ReadyForQuery E
            F Terminate
            F closes
            """);
    }

    [Theory, EverySplit("\0\0\0\u0010\0\u0003\0\0user\0a\0\0Q\0\0\0\rSELECT 1\0S\0\0\0\u0004")]
    public void A_transcript_is_the_same_however_the_bytes_are_cut(byte[][] parts)
    {
        Transcript transcript = new(startsUp: true);
        foreach (byte[] part in parts) transcript.Frontend(part);
        transcript.ShouldBe("""
            F StartupMessage 3.0 user=a
            F Query "SELECT 1"
            F Sync
            """);
    }

    [Fact]
    public void A_difference_is_shown_line_by_line()
    {
        Transcript transcript = new();
        transcript.Backend(FrontendBytes.Join(BackendBytes.ParseComplete, BackendBytes.CommandComplete("SELECT 1"), BackendBytes.ReadyForQuery('T')));
        XunitException difference = Assert.ThrowsAny<XunitException>(() => transcript.ShouldBe("""
            B ParseComplete
            B BindComplete
            B CommandComplete *
            B ReadyForQuery I
            """));
        Assert.EndsWith(
            """
              B ParseComplete
            - B BindComplete
              B CommandComplete "SELECT 1"
            - B ReadyForQuery I
            + B ReadyForQuery T

            """,
            difference.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("B ReadyForQuery I\nB ReadyForQuery I")]
    [InlineData("F ReadyForQuery I")]
    public void What_is_missing_or_too_much_or_from_the_other_side_differs(string expected)
    {
        Transcript transcript = new();
        transcript.Backend(BackendBytes.ReadyForQuery('I'));
        Assert.ThrowsAny<XunitException>(() => transcript.ShouldBe(expected));
    }

    [Fact]
    public void A_message_that_is_malformed_or_unknown_is_shown_and_not_thrown()
    {
        Assert.StartsWith("malformed 51000000", Assert.Single(Transcript.Decode(Side.Frontend, "Q\0\0\0\u0006ab"u8)), StringComparison.Ordinal);
        Assert.Equal(["unknown type 21 \"hi\""], Transcript.Decode(Side.Backend, "!\0\0\0\u0006hi"u8));
    }

    [Fact]
    public void Every_split_has_the_whole_each_cut_and_single_bytes_and_loses_nothing()
    {
        List<(byte[][] Parts, string Cut)> splits = [.. EverySplitAttribute.Of("abcd"u8.ToArray())];
        Assert.Equal(["whole", "cut at 1", "cut at 2", "cut at 3", "one byte at a time"], splits.Select(split => split.Cut));
        Assert.All(splits, split => Assert.Equal("abcd"u8.ToArray(), FrontendBytes.Join(split.Parts)));
    }

    [Theory, EverySplit("abc")]
    public void A_sequence_holds_the_bytes_in_as_many_segments_as_the_cut_makes(ReadOnlySequence<byte> bytes, string cut)
    {
        Assert.Equal("abc"u8.ToArray(), bytes.ToArray());
        int segments = 0;
        foreach (ReadOnlyMemory<byte> _ in bytes) segments++;
        Assert.Equal(cut switch { "whole" => 1, "one byte at a time" => 3, _ => 2 }, segments);
    }
}
