using System.Collections.Frozen;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Functions that may be called by their OID (FunctionCall): those of large objects, which libpq's and PgJDBC's interfaces call in this way and in no other. They leave nothing behind their
/// transaction; of any other OID nobody here can say what it does.
/// </summary>
internal static class LargeObjectCalls
{
    // pg_proc.dat: lo_open, lo_close, loread, lowrite, lo_lseek, lo_creat, lo_create, lo_tell, lo_truncate, lo_unlink, their 64-bit forms, lo_from_bytea, lo_get, lo_put.
    // The same numbers in all versions: OIDs below 10000 are assigned by hand. lo_import and lo_export touch files of the server and are not among them.
    private static readonly FrozenSet<uint> Oids = FrozenSet.Create<uint>(952, 953, 954, 955, 956, 957, 715, 958, 1004, 964, 3170, 3171, 3172, 3457, 3458, 3459, 3460);

    public static bool Has(uint oid) => Oids.Contains(oid);
}
