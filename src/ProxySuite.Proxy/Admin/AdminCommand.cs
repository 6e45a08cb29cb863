namespace ProxySuite.Proxy.Admin;

/// <summary>One command of the console, read and ready to run.</summary>
internal abstract class AdminCommand
{
    /// <summary>What CommandComplete says, and what refusals call the command.</summary>
    public abstract string Tag { get; }

    /// <summary>What it is called in the log, with what it is about.</summary>
    public virtual string Text => Tag;

    /// <summary>Columns of its answer; empty where it has no rows.</summary>
    public virtual IReadOnlyList<AdminColumn> Columns => [];

    /// <summary>True for what changes something: not for role stats, and not inside a transaction block.</summary>
    public virtual bool IsChange => false;

    /// <summary>True for what waits for clients of tenants, and so for as long as they like: it ends early when its own client cancels it or leaves.</summary>
    public virtual bool WaitsForClients => false;

    /// <summary>Undoes what it has done so far: it was cancelled.</summary>
    public virtual Task TakeBackAsync(AdminScope scope) => Task.CompletedTask;

    /// <summary>Does it. Runs on no reactor.</summary>
    /// <exception cref="Wire.Errors.PgErrorException">It cannot be done; the client is told.</exception>
    public abstract Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken);
}

/// <summary>A command that shows something.</summary>
internal abstract class ShowCommand : AdminCommand
{
    public sealed override string Tag => "SHOW";
}

/// <summary>A command that changes something.</summary>
internal abstract class ChangeCommand(string tag) : AdminCommand
{
    public sealed override string Tag { get; } = tag;

    public sealed override bool IsChange => true;
}

/// <summary>What the session itself does: BEGIN, COMMIT and ROLLBACK, which drivers send by themselves, and settings that they set for themselves.</summary>
/// <param name="tag">What it is answered with.</param>
/// <param name="opensBlock">True when a transaction block is open from then on, false when it is over; null when it stays as it is.</param>
internal sealed class SessionCommand(string tag, bool? opensBlock = null) : AdminCommand
{
    public override string Tag { get; } = tag;

    /// <inheritdoc cref="SessionCommand(string, bool?)" path="/param[@name='opensBlock']"/>
    public bool? OpensBlock { get; } = opensBlock;

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken) => Task.FromResult(AdminAnswer.Done);
}
