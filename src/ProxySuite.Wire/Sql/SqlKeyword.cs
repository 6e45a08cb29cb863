using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>The keywords that <see cref="SqlScanner"/> acts on; PostgreSQL folds their case as ASCII, whatever the locale.</summary>
internal enum SqlKeyword : byte
{
    None,
    Abort, All, Alter, Analyze, And, As, Authorization, Begin, Call, Catalog, Chain, Characteristics, Close, Commit, Constraints, Copy, Create,
    Deallocate, Declare, Delete, Discard, Do, Drop, End, Execute, Explain, Fetch, From, Global, Grant, Hold, Insert, Into, Listen, Load, Local,
    Lock, Merge, Move, Names, Notify, Prepare, Prepared, Release, Replace, Reset, Revoke, Role, Rollback, Savepoint, Schema, Select, Session,
    Set, Show, Start, Table, Temp, Temporary, Time, To, Transaction, Truncate, Unlisten, Update, Vacuum, Values, With, Work, Xml, Zone,
}

internal static class SqlKeywords
{
    private static readonly (byte[] Name, SqlKeyword Keyword)[][] ByLength = Group();

    /// <summary>The keyword a word is, or None.</summary>
    public static SqlKeyword Find(ReadOnlySpan<byte> word)
    {
        if (word.Length < ByLength.Length)
        {
            foreach ((byte[] name, SqlKeyword keyword) in ByLength[word.Length])
            {
                if (Ascii.EqualsIgnoreCase(word, name))
                {
                    return keyword;
                }
            }
        }

        return SqlKeyword.None;
    }

    private static (byte[] Name, SqlKeyword Keyword)[][] Group()
    {
        SqlKeyword[] all = Enum.GetValues<SqlKeyword>()[1..];
        var names = Array.ConvertAll(all, keyword => (Name: Encoding.ASCII.GetBytes(keyword.ToString().ToLowerInvariant()), Keyword: keyword));
        var alias = (Name: "analyse"u8.ToArray(), Keyword: SqlKeyword.Analyze);
        var byLength = new (byte[], SqlKeyword)[16][];
        for (int length = 0; length < byLength.Length; length++)
        {
            byLength[length] = Array.FindAll([.. names, alias], entry => entry.Name.Length == length);
        }

        return byLength;
    }
}
