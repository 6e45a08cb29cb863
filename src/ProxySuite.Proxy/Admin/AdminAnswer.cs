using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Admin;

/// <summary>Types of the console's columns; the value is the type's OID in PostgreSQL.</summary>
internal enum AdminType
{
    Bytea = 17, // in tables without rows alone
    Int8 = 20,
    Int4 = 23,
    Text = 25,
    Float8 = 701,
    Numeric = 1700,
}

/// <summary>A column of an answer.</summary>
/// <param name="Name">As PgBouncer calls it, where it has it.</param>
/// <param name="Type">As PgBouncer types it, where it has it.</param>
internal readonly record struct AdminColumn(string Name, AdminType Type)
{
    /// <summary>Bytes of a value; −1 for types of varying length.</summary>
    public int Size => Type switch
    {
        AdminType.Int4 => 4,
        AdminType.Int8 or AdminType.Float8 => 8,
        _ => -1,
    };

    public static AdminColumn Text(string name) => new(name, AdminType.Text);

    public static AdminColumn Int4(string name) => new(name, AdminType.Int4);

    public static AdminColumn Int8(string name) => new(name, AdminType.Int8);

    public static AdminColumn Float8(string name) => new(name, AdminType.Float8);

    public static AdminColumn Numeric(string name) => new(name, AdminType.Numeric);
}

/// <summary>What a command answers.</summary>
/// <param name="Rows">Values in the order of the command's columns: string, int, long or double as the column's type asks (numeric: long), or null.</param>
/// <param name="Notice">Said before the rows.</param>
internal sealed record AdminAnswer(IReadOnlyList<object?[]> Rows, PgError? Notice = null)
{
    public static readonly AdminAnswer Done = new([]);
}
