using System.Text;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Backend;

/// <summary>What a text changes in its session that the proxy can carry from server to server: the entries of a session's journal.</summary>
internal abstract record SessionChange
{
    private const StatementTraits Journaled = StatementTraits.SetsSession | StatementTraits.SetConfig | StatementTraits.Listen | StatementTraits.Unlisten | StatementTraits.Savepoint;

    /// <summary>Reads the changes out of a text.</summary>
    /// <param name="sql">The text.</param>
    /// <param name="facts">What the scanner found in it.</param>
    /// <returns>Null when there is none, or one among them that cannot be repeated as it stands: the client is pinned then.</returns>
    public static SessionChange? From(ReadOnlySpan<byte> sql, in StatementFacts facts)
    {
        if ((facts.Traits & Journaled) == 0) return null;
        bool isUnread = false;
        var changes = new List<SessionChange>();
        List<SessionStatement> statements = SessionStatement.ReadAll(sql);
        // Which of them calls set_config is not told.
        isUnread |= statements.Count > 1 && facts.Traits.HasFlag(StatementTraits.SetConfig);
        foreach (SessionStatement statement in statements)
        {
            if (statement.IsLocal) continue;
            SessionChange? change = null;
            switch (statement.Kind)
            {
                case StatementKind.Set or StatementKind.Reset:
                    change = SettingChange.From(sql, statement);
                    isUnread |= change is null;
                    break;
                // Among others it may be part of any expression; as a statement of its own it is a SET.
                case StatementKind.Select when statement.Form == SettingForm.SetConfig && statements.Count == 1:
                    change = SettingChange.From(sql, statement);
                    break;
                case StatementKind.Listen or StatementKind.Unlisten:
                    change = ChannelChange.From(statement);
                    isUnread |= change is null;
                    break;
                case StatementKind.Savepoint or StatementKind.Release or StatementKind.Rollback:
                    change = SavepointChange.From(statement);
                    break;
            }
            if (change is not null) changes.Add(change);
        }
        if (isUnread) changes.RemoveAll(static change => change is not SavepointChange);
        return changes.Count switch { 0 => null, 1 => changes[0], _ => new SessionChanges(changes) };
    }

    /// <summary>True when it changes a setting for the session.</summary>
    public virtual bool HasSetting => false;

    /// <summary>True when it says LISTEN or UNLISTEN.</summary>
    public virtual bool HasChannel => false;
}

/// <summary>The changes of a text of several statements, in order.</summary>
internal sealed record SessionChanges(IReadOnlyList<SessionChange> All) : SessionChange
{
    /// <inheritdoc/>
    public override bool HasSetting => All.Any(static change => change.HasSetting);

    /// <inheritdoc/>
    public override bool HasChannel => All.Any(static change => change.HasChannel);
}

/// <summary>LISTEN or UNLISTEN.</summary>
/// <param name="Channel">The channel as bytes of UTF-8, cut to the length of a name; null for UNLISTEN *.</param>
/// <param name="IsListen">True for LISTEN.</param>
internal sealed record ChannelChange(byte[]? Channel, bool IsListen) : SessionChange
{
    public static readonly ChannelChange UnlistenAll = new(null, IsListen: false);

    /// <summary>Null when the channel's name is written in a way that is not read here.</summary>
    public static ChannelChange? From(in SessionStatement statement)
        => statement.IsForAll ? UnlistenAll
            : statement.Identifier is { } name ? new ChannelChange(Encoding.UTF8.GetBytes(name), statement.Kind == StatementKind.Listen) : null;

    /// <inheritdoc/>
    public override bool HasChannel => true;
}

/// <summary>SAVEPOINT, RELEASE or ROLLBACK TO: says which of the changes before it are kept.</summary>
/// <param name="Kind">Savepoint, Release, or Rollback for ROLLBACK TO.</param>
/// <param name="Name">The savepoint; null when its name is written in a way that is not read here.</param>
internal sealed record SavepointChange(StatementKind Kind, string? Name) : SessionChange
{
    /// <summary>Null for a ROLLBACK that ends its transaction.</summary>
    public static SavepointChange? From(in SessionStatement statement)
        => statement.Kind == StatementKind.Rollback && !statement.IsToSavepoint ? null : new SavepointChange(statement.Kind, statement.Identifier);
}
