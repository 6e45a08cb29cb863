using System.Text.Json;
using System.Text.Json.Nodes;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Jobs;

/// <summary>What a job works with: the registry, the steps that are done, and what the audit log is to say.</summary>
internal sealed class JobContext
{
    private readonly JobLease _lease;
    private readonly Func<string, Task> _reached;
    private readonly string _kind;
    private readonly JsonObject _progress;
    private readonly MasterKey? _masterKey;

    public JobContext(ControlPlane control, Job job, string owner, MasterKey? masterKey)
    {
        Control = control;
        Owner = owner;
        Id = job.Id;
        _masterKey = masterKey;
        _kind = job.Kind;
        _lease = new JobLease(job.Id, job.Fence);
        _reached = control.Reached;
        _progress = JsonNode.Parse(job.ProgressJson) as JsonObject ?? [];
        IsResumed = job.Attempts > 1;
    }

    public ControlPlane Control { get; }

    public RegistryStore Store => Control.Store;

    public Guid Id { get; }

    public string Owner { get; }

    /// <summary>An earlier run was cut off.</summary>
    public bool IsResumed { get; }

    /// <summary>What the caller gets; null when somebody else carries the job through.</summary>
    public object? Result { get; set; }

    /// <summary>Nothing had to be done: the audit log says nothing.</summary>
    public bool IsUnchanged { get; set; }

    /// <exception cref="ControlException">None is at hand.</exception>
    public MasterKey MasterKey => _masterKey ?? Control.MasterKey
        ?? throw new ControlException("this needs the master key", "Give --master-key-file FILE, or set PROXYSUITE_MASTER_KEY_FILE.") { IsTransient = true };

    internal JobLease Lease => _lease;

    /// <summary>Runs a step unless an earlier run of this job has done it.</summary>
    public async Task StepAsync(string name, Func<Task> work, CancellationToken cancellationToken)
    {
        if (_progress["done"] is JsonArray done && done.Any(step => (string?)step == name)) return;
        await AlwaysAsync(name, work, cancellationToken);
    }

    /// <summary>Runs a step also when an earlier run has done it: for what hangs on secrets of this run.</summary>
    public async Task AlwaysAsync(string name, Func<Task> work, CancellationToken cancellationToken)
    {
        Control.Tell(name, 0, 0);
        await _reached($"{_kind} {name} begun");
        await work();
        await _reached($"{_kind} {name} worked");
        if (_progress["done"] is not JsonArray steps) _progress["done"] = steps = [];
        if (!steps.Any(step => (string?)step == name)) steps.Add(name);
        await Store.SaveJobStepAsync(_lease, name, _progress.ToJsonString(), cancellationToken);
        await _reached($"{_kind} {name} saved");
    }

    /// <summary>
    /// Runs one step over many things that are alike. The record holds only how far it came, not a line for each, and a run after a crash goes on behind the last one
    /// that was done; so each may be done twice, and the order must be the same in every run.
    /// </summary>
    /// <param name="name">Of the step.</param>
    /// <param name="key">What a thing is known by; keys ascend in ordinal order.</param>
    /// <returns>How many were done in all runs.</returns>
    public async Task<int> EachAsync<T>(string name, IReadOnlyList<T> things, Func<T, string> key, Func<T, Task> work, CancellationToken cancellationToken)
    {
        string? upTo = Note(name);
        int count = (int?)_progress[name + " count"] ?? 0;
        T[] rest = [.. things.Where(thing => upTo is null || string.CompareOrdinal(key(thing), upTo) > 0)];
        for (int i = 0; i < rest.Length; i++)
        {
            Control.Tell(key(rest[i]), things.Count - rest.Length + i, things.Count);
            await _reached($"{_kind} {name} begun");
            await work(rest[i]);
            await _reached($"{_kind} {name} worked");
            _progress[name + " count"] = ++count;
            await NoteAsync(name, key(rest[i]), cancellationToken);
            await _reached($"{_kind} {name} saved");
        }
        return count;
    }

    /// <summary>A note that later runs of this job find.</summary>
    public string? Note(string name) => (string?)_progress[name];

    /// <summary>Leaves a note for later runs, before what it is about is done.</summary>
    public Task NoteAsync(string name, string value, CancellationToken cancellationToken)
    {
        _progress[name] = value;
        return Store.SaveJobStepAsync(_lease, name, _progress.ToJsonString(), cancellationToken);
    }

    /// <summary>What it was before the job began; the first run's word counts. No secrets, so no verifiers either.</summary>
    public void Before(object facts) => _progress["before"] ??= JsonSerializer.SerializeToNode(facts, ControlPlane.JsonOptions);

    /// <summary>What it is now.</summary>
    public void After(object facts) => _progress["after"] = JsonSerializer.SerializeToNode(facts, ControlPlane.JsonOptions);

    /// <summary>The audit log's entry.</summary>
    internal string? AuditJson(string? error)
    {
        if (error is null && IsUnchanged) return null;
        var details = new JsonObject();
        foreach (string name in (string[])["before", "after"])
        {
            if (_progress[name] is { } facts) details[name] = facts.DeepClone();
        }
        if (error is not null) details["error"] = error;
        return details.ToJsonString(ControlPlane.JsonOptions);
    }
}
