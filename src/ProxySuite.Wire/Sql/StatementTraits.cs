namespace ProxySuite.Wire.Sql;

/// <summary>
/// What the statements of one text do to the session that runs them, all OR-ed. A trait may be reported where there is none (a word
/// inside a string, say): a client is then pinned without need. It is never missing where PostgreSQL would act on the text itself;
/// what functions do inside is out of sight, except for those named here.
/// </summary>
[Flags]
public enum StatementTraits : uint
{
    None = 0,

    /// <summary>SET or RESET that outlives the transaction, SET SESSION CHARACTERISTICS among them.</summary>
    SetsSession = 1 << 0,

    /// <summary>SET LOCAL, SET TRANSACTION, SET CONSTRAINTS: gone at the end of the transaction.</summary>
    SetLocal = 1 << 1,

    /// <summary>SET or RESET of ROLE or SESSION AUTHORIZATION, in any spelling.</summary>
    SetRoleOrAuthorization = 1 << 2,

    /// <summary>DISCARD of anything.</summary>
    Discard = 1 << 3,
    DiscardAll = 1 << 4,
    Listen = 1 << 5,
    Unlisten = 1 << 6,
    Notify = 1 << 7,

    /// <summary>PREPARE of a statement; not PREPARE TRANSACTION.</summary>
    Prepare = 1 << 8,

    /// <summary>EXECUTE of a prepared statement, also in EXPLAIN and CREATE TABLE … AS.</summary>
    Execute = 1 << 9,
    Deallocate = 1 << 10,

    /// <summary>DECLARE … CURSOR WITH HOLD.</summary>
    DeclareWithHold = 1 << 11,

    /// <summary>CREATE TEMP …, SELECT … INTO TEMP …, or <c>pg_temp</c> anywhere in the text.</summary>
    CreatesTemp = 1 << 12,
    Load = 1 << 13,
    Do = 1 << 14,
    Call = 1 << 15,

    /// <summary><c>advisory_lock</c> anywhere in the text: the forms that last longer than the transaction.</summary>
    SessionAdvisoryLock = 1 << 16,

    /// <summary><c>set_config</c> anywhere in the text, or UPDATE and <c>pg_settings</c>: a rule on that view calls it.</summary>
    SetConfig = 1 << 17,

    /// <summary><c>U&amp;"</c> anywhere in the text: its escapes can spell any name.</summary>
    UnicodeIdentifier = 1 << 18,

    /// <summary>BEGIN, START TRANSACTION, COMMIT AND CHAIN, ROLLBACK AND CHAIN.</summary>
    BeginsTransaction = 1 << 19,

    /// <summary>COMMIT, END, ROLLBACK, ABORT, PREPARE TRANSACTION; not ROLLBACK TO.</summary>
    EndsTransaction = 1 << 20,
    Copy = 1 << 21,
    Lock = 1 << 22,

    /// <summary>SET LOCAL of what decides how the server reads texts: until the transaction ends this scanner may see other statements than the server.</summary>
    ChangesReading = 1 << 23,

    /// <summary>A statement other than the everyday ones that read, write and end transactions: <see cref="StatementFilter"/> has to look at it.</summary>
    Guarded = 1 << 24,

    /// <summary>SAVEPOINT, RELEASE, ROLLBACK TO: what of the transaction so far is kept may change.</summary>
    Savepoint = 1 << 25,

    /// <summary><c>currval</c> or <c>lastval</c> anywhere in the text: what the session has drawn from sequences.</summary>
    ReadsSequences = 1 << 26,
}
