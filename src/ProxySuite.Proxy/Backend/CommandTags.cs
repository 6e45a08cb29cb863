using System.Buffers.Binary;

namespace ProxySuite.Proxy.Backend;

/// <summary>What a CommandComplete tag says about state that outlives the transaction.</summary>
internal enum TagMeaning : byte
{
    /// <summary>Nothing stays behind.</summary>
    Plain,

    /// <summary>SET or RESET.</summary>
    Set,

    /// <summary>LISTEN, DECLARE CURSOR, LOAD, DO, CALL, CREATE TABLE and the like: something may have been left in the session.</summary>
    MayLeaveState,

    /// <summary>DISCARD ALL: the session is as after its login.</summary>
    DiscardAll,

    /// <summary>DEALLOCATE ALL: no prepared statement is left, the proxy's own included.</summary>
    DeallocateAll,

    /// <summary>PREPARE of a statement; not PREPARE TRANSACTION.</summary>
    Prepare,

    /// <summary>DEALLOCATE of one statement.</summary>
    Deallocate,

    /// <summary>COMMIT.</summary>
    Commit,

    /// <summary>ROLLBACK, also to a savepoint.</summary>
    Rollback,

    /// <summary>ALTER, CREATE, DROP of anything but a table: plans may have changed, sessions have not.</summary>
    Ddl,
}

/// <summary>Reads command tags; the common ones are told apart by their first four bytes.</summary>
internal static class CommandTags
{
    /// <summary>Classifies a tag.</summary>
    /// <param name="body">Body of a CommandComplete message: the tag and its terminator.</param>
    public static TagMeaning Classify(ReadOnlySpan<byte> body)
    {
        if (body.Length < 4) return body.StartsWith("DO"u8) ? TagMeaning.MayLeaveState : TagMeaning.Plain;
        switch (BinaryPrimitives.ReadUInt32BigEndian(body))
        {
            case 0x53454C45: // SELE(CT)
            case 0x494E5345: // INSE(RT)
            case 0x55504441: // UPDA(TE)
            case 0x44454C45: // DELE(TE)
            case 0x4D455247: // MERG(E)
            case 0x46455443: // FETC(H)
            case 0x434F5059: // COPY
            case 0x42454749: // BEGI(N)
            case 0x53544152: // STAR(T TRANSACTION)
            case 0x53415645: // SAVE(POINT)
            case 0x52454C45: // RELE(ASE)
            case 0x53484F57: // SHOW
            case 0x4558504C: // EXPL(AIN)
            case 0x4C4F434B: // LOCK (TABLE)
            case 0x4E4F5449: // NOTI(FY)
            case 0x554E4C49: // UNLI(STEN): takes state away
            case 0x434C4F53: // CLOS(E CURSOR): likewise
                return TagMeaning.Plain;
            case 0x434F4D4D: // COMM(IT), COMMENT
                return body.StartsWith("COMMIT"u8) ? TagMeaning.Commit : TagMeaning.Plain;
            case 0x524F4C4C: // ROLL(BACK)
                return TagMeaning.Rollback;
            case 0x53455400: // SET
            case 0x52455345: // RESE(T)
                return TagMeaning.Set;
            case 0x44495343: // DISC(ARD)
                return body.StartsWith("DISCARD ALL"u8) ? TagMeaning.DiscardAll : TagMeaning.Plain;
            case 0x4445414C: // DEAL(LOCATE)
                return body.StartsWith("DEALLOCATE ALL"u8) ? TagMeaning.DeallocateAll : TagMeaning.Deallocate;
            case 0x50524550: // PREP(ARE), PREPARE TRANSACTION
                return body.SequenceEqual("PREPARE\0"u8) ? TagMeaning.Prepare : TagMeaning.MayLeaveState;
            case 0x43524541: // CREA(TE): a table may be temporary
                return body.StartsWith("CREATE TABLE"u8) || body.StartsWith("CREATE VIEW"u8) || body.StartsWith("CREATE SEQUENCE"u8)
                    ? TagMeaning.MayLeaveState : TagMeaning.Ddl;
            case 0x414C5445: // ALTE(R)
            case 0x44524F50: // DROP
            case 0x4752414E: // GRAN(T)
            case 0x5245564F: // REVO(KE)
            case 0x5452554E: // TRUN(CATE)
            case 0x414E414C: // ANAL(YZE)
            case 0x56414355: // VACU(UM)
            case 0x5245494E: // REIN(DEX)
                return TagMeaning.Ddl;
            default:
                // LISTEN, DECLARE CURSOR, LOAD, DO, CALL, and whatever a later version invents: in doubt, state.
                return TagMeaning.MayLeaveState;
        }
    }
}
