namespace ProxySuite.Wire.Sql;

/// <summary>How a SET or RESET names what it sets.</summary>
public enum SettingForm : byte
{
    None,

    /// <summary><c>SET name = value</c> or <c>SET name TO value</c>.</summary>
    Assign,

    /// <summary><c>SET TIME ZONE value</c>: the setting is TimeZone.</summary>
    TimeZone,

    /// <summary><c>SET NAMES value</c>: the setting is client_encoding; the value may be missing.</summary>
    Names,

    /// <summary><c>SET SCHEMA value</c>: the setting is search_path.</summary>
    Schema,

    /// <summary><c>SET ROLE value</c>.</summary>
    Role,

    /// <summary><c>SET SESSION AUTHORIZATION value</c>.</summary>
    SessionAuthorization,

    /// <summary><c>RESET name</c>; RESET TIME ZONE, RESET ROLE and RESET SESSION AUTHORIZATION with those words as the name.</summary>
    Reset,

    /// <summary><c>RESET ALL</c>.</summary>
    ResetAll,

    /// <summary>A form without a name: TRANSACTION, CONSTRAINTS, or what the server will refuse.</summary>
    Other,

    /// <summary><c>SET SESSION CHARACTERISTICS AS TRANSACTION modes</c>: the settings are default_transaction_…; the value begins with AS.</summary>
    Characteristics,

    /// <summary><c>SET XML OPTION value</c>: the setting is xmloption.</summary>
    XmlOption,

    /// <summary><c>SELECT set_config('name', 'value', false)</c>; told by <see cref="SessionStatement"/> alone.</summary>
    SetConfig,
}

/// <summary>What <see cref="SqlScanner.Scan"/> saw in a text. Ranges index the text that was scanned.</summary>
public readonly record struct StatementFacts
{
    /// <summary>Statements in the text, empty ones not counted: at 0 the server answers EmptyQueryResponse.</summary>
    public int StatementCount { get; init; }

    /// <summary>Kind of the first statement that is not empty.</summary>
    public StatementKind FirstKind { get; init; }

    /// <summary>Of all statements together.</summary>
    public StatementTraits Traits { get; init; }

    /// <summary>Set when the text is one SET or RESET and nothing else.</summary>
    public SettingForm SettingForm { get; init; }

    /// <summary>The name as written, quotes and all; the words of the form where it has no name.</summary>
    public Range SettingName { get; init; }

    /// <summary>The value as written, from its first token to its last; empty for RESET and SET NAMES without one.</summary>
    public Range SettingValue { get; init; }
}
