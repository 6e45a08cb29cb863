namespace ProxySuite.Tenancy.Registry;

/// <summary>Why the registry refused a change.</summary>
public enum RegistryFailure
{
    AlreadyExists,  // the name is taken
    NotFound,       // what is to be changed, or what it refers to, is not there
    VersionChanged, // somebody else changed it first; read again and decide anew
    NoCapacity,     // no shard has room and accepts
    InUse,          // something else refers to it
    Refused,        // a rule of the registry forbids it
    LeaseLost,      // the job belongs to another worker now
}

/// <summary>The registry refused a change; the message is fit for the operator who asked for it.</summary>
public sealed class RegistryException(RegistryFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public RegistryFailure Failure { get; } = failure;
}
