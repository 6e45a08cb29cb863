namespace ProxySuite.Wire.Sql;

internal enum SqlTokenKind : byte
{
    End,

    /// <summary>A keyword or an unquoted identifier.</summary>
    Word,

    /// <summary><c>"…"</c> or <c>U&amp;"…"</c>.</summary>
    QuotedIdentifier,

    /// <summary>Any string literal: <c>'…'</c>, <c>E'…'</c>, <c>U&amp;'…'</c>, <c>$tag$…$tag$</c>.</summary>
    String,

    /// <summary>A single byte that is none of the others; digits too.</summary>
    Symbol,
}

/// <summary>One token and where it lies in the text.</summary>
internal readonly record struct SqlToken(SqlTokenKind Kind, int Start, int End, byte First);
