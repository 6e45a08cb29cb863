namespace ProxySuite.Wire.Sql;

/// <summary>What a statement is, told by its first keyword.</summary>
public enum StatementKind : byte
{
    /// <summary>No statement: the text is blank, or comments and semicolons.</summary>
    None,
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    With,
    Values,
    Table,

    /// <summary>BEGIN or START TRANSACTION.</summary>
    Begin,

    /// <summary>COMMIT or END.</summary>
    Commit,

    /// <summary>ROLLBACK or ABORT, also ROLLBACK TO a savepoint, which ends no transaction.</summary>
    Rollback,
    Savepoint,
    Release,
    Set,
    Reset,
    Show,
    Discard,
    Prepare,
    Execute,
    Deallocate,
    Declare,
    Fetch,
    Move,
    Close,
    Listen,
    Unlisten,
    Notify,
    Copy,
    Lock,
    Load,
    Do,
    Call,
    Explain,
    Create,
    Alter,
    Drop,
    Truncate,
    Grant,
    Revoke,
    Vacuum,
    Analyze,

    /// <summary>Any other word, or no word at all.</summary>
    Other,
}
