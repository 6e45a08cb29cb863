using System.Text;
using ProxySuite.Proxy.Backend;
using Xunit;

namespace ProxySuite.Proxy.Tests.Backend;

public sealed class CommandTagsTests
{
    // The enum is internal and xunit's theories are public, so its name travels as text.
    [Theory]
    [InlineData("SELECT 1", "Plain")]
    [InlineData("INSERT 0 1", "Plain")]
    [InlineData("UPDATE 3", "Plain")]
    [InlineData("DELETE 0", "Plain")]
    [InlineData("MERGE 2", "Plain")]
    [InlineData("FETCH 10", "Plain")]
    [InlineData("COPY 5", "Plain")]
    [InlineData("BEGIN", "Plain")]
    [InlineData("START TRANSACTION", "Plain")]
    [InlineData("SAVEPOINT", "Plain")]
    [InlineData("RELEASE", "Plain")]
    [InlineData("SHOW", "Plain")]
    [InlineData("EXPLAIN", "Plain")]
    [InlineData("COMMENT", "Plain")]
    [InlineData("LOCK TABLE", "Plain")]
    [InlineData("NOTIFY", "Plain")]
    [InlineData("UNLISTEN", "Plain")]
    [InlineData("CLOSE CURSOR", "Plain")]
    [InlineData("CLOSE CURSOR ALL", "Plain")]
    [InlineData("COMMIT", "Commit")]
    [InlineData("COMMIT PREPARED", "Commit")]
    [InlineData("ROLLBACK", "Rollback")]
    [InlineData("SET", "Set")]
    [InlineData("RESET", "Set")]
    [InlineData("DISCARD ALL", "DiscardAll")]
    [InlineData("DISCARD PLANS", "Plain")]
    [InlineData("DEALLOCATE", "Deallocate")]
    [InlineData("DEALLOCATE ALL", "DeallocateAll")]
    [InlineData("CREATE TABLE", "MayLeaveState")]
    [InlineData("CREATE TABLE AS", "MayLeaveState")]
    [InlineData("CREATE VIEW", "MayLeaveState")]
    [InlineData("CREATE SEQUENCE", "MayLeaveState")]
    [InlineData("CREATE INDEX", "Ddl")]
    [InlineData("ALTER TABLE", "Ddl")]
    [InlineData("DROP TABLE", "Ddl")]
    [InlineData("TRUNCATE TABLE", "Ddl")]
    [InlineData("LISTEN", "MayLeaveState")]
    [InlineData("PREPARE", "Prepare")]
    [InlineData("DECLARE CURSOR", "MayLeaveState")]
    [InlineData("LOAD", "MayLeaveState")]
    [InlineData("DO", "MayLeaveState")]
    [InlineData("CALL", "MayLeaveState")]
    [InlineData("FROBNICATE", "MayLeaveState")]
    [InlineData("", "Plain")]
    public void A_tag_says_what_may_stay_behind(string tag, string meaning)
        => Assert.Equal(Enum.Parse<TagMeaning>(meaning), CommandTags.Classify(Encoding.UTF8.GetBytes(tag + "\0")));
}
