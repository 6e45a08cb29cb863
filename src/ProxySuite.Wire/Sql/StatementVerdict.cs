using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>Why a statement does not pass.</summary>
public enum StatementRefusal : byte
{
    None,

    /// <summary>ALTER ROLE, USER or GROUP.</summary>
    AlterRole,

    /// <summary>SET ROLE or SET SESSION AUTHORIZATION to anybody.</summary>
    SetRole,

    /// <summary>LOCK of tables that other tenants use.</summary>
    LockTable,

    /// <summary>COPY to or from a file or program of the server.</summary>
    CopyFile,

    /// <summary>PREPARE TRANSACTION where the session may lose its server.</summary>
    PrepareTransaction,

    /// <summary>LOAD of a library.</summary>
    Load,

    /// <summary>A setting that carries the tenant's identity.</summary>
    IdentitySetting,

    /// <summary>A limited setting with a value that only the server can work out.</summary>
    ComputedSetting,

    /// <summary>A setting named by escapes.</summary>
    EscapedName,

    /// <summary>A client encoding in which bytes of a character can look like quotes.</summary>
    ClientEncoding,

    /// <summary>standard_conforming_strings other than on.</summary>
    StandardConformingStrings,

    /// <summary>Not on the list of a strict shard.</summary>
    NotOnTheList,
}

/// <summary>A limited setting that was given more than its limit.</summary>
/// <param name="Value">Where the value stands in the text.</param>
/// <param name="Name">The setting, in lower case.</param>
public readonly record struct LimitedSetting(Range Value, string Name, SettingLimit Limit);

/// <summary>What <see cref="StatementFilter"/> finds in a text that cannot go to the server as it came.</summary>
public sealed class StatementVerdict
{
    internal StatementVerdict(StatementRefusal refusal, string subject)
    {
        Refusal = refusal;
        Subject = subject;
        Limited = [];
    }

    internal StatementVerdict(IReadOnlyList<LimitedSetting> limited)
    {
        Subject = "";
        Limited = limited;
    }

    /// <summary>Why the text is refused as a whole, or None.</summary>
    public StatementRefusal Refusal { get; }

    /// <summary>The statement's first words or the setting, for the message.</summary>
    public string Subject { get; }

    /// <summary>Where the text is not refused: values to be replaced by their limits, in the order of the text.</summary>
    public IReadOnlyList<LimitedSetting> Limited { get; }

    /// <summary>The text with the limits in place of the values.</summary>
    public byte[] Rewrite(ReadOnlySpan<byte> sql)
    {
        var text = new List<byte>(sql.Length + 16 * Limited.Count);
        int at = 0;
        foreach (LimitedSetting setting in Limited)
        {
            text.AddRange(sql[at..setting.Value.Start.Value]);
            text.AddRange(Encoding.ASCII.GetBytes($"'{setting.Limit.MaxText}'"));
            at = setting.Value.End.Value;
        }
        text.AddRange(sql[at..]);
        return [.. text];
    }
}
