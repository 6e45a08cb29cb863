using System.Text.Json.Serialization;

namespace ProxySuite.Control.Jobs;

/// <summary>
/// One action of the control plane, as it is entered in the registry before anything is done. Its properties are what it has to know to be carried through by somebody
/// else, without secrets; those a caller holds in memory are marked <see cref="JsonIgnoreAttribute"/>, and a job without them does what can be done without.
/// </summary>
internal abstract record ControlJob
{
    /// <summary>The verb, such as <c>tenant.suspend</c>; what the audit log calls it.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>What it is done to, such as <c>tenant acme</c>. One job at a time works on a subject.</summary>
    [JsonIgnore]
    public abstract string Subject { get; }

    /// <summary>Names the intent: while a job of this kind and key is open, asking again goes on with that one.</summary>
    [JsonIgnore]
    public virtual string Key => Subject;

    /// <summary>Looks at what is asked for, before anything is entered: what no registry could make right is refused here, and the refusal is on record.</summary>
    /// <exception cref="ControlException">It cannot be meant.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Does the work in steps, each of which may be repeated.</summary>
    /// <exception cref="ControlException">It cannot be done; the job has failed, unless the exception says that waiting helps.</exception>
    public abstract Task RunAsync(JobContext job, CancellationToken cancellationToken);
}
