using System.Globalization;

namespace ProxySuite.Tenancy.Cache;

/// <summary>What a change concerns.</summary>
public enum InvalidationKind
{
    Tenant, // named by slug
    Plan,   // named by name
    Shard,  // named by number
}

/// <summary>The announcement of one change, as triggers of the registry send it: <c>tenant acme 42</c>.</summary>
/// <param name="Kind">What changed.</param>
/// <param name="Name">Which of them.</param>
/// <param name="Version">Its version after the change; of a deleted one, its last.</param>
public readonly record struct Invalidation(InvalidationKind Kind, string Name, long Version)
{
    /// <returns>False for text in another form, as a newer registry may send.</returns>
    public static bool TryParse(string payload, out Invalidation invalidation)
    {
        invalidation = default;
        string[] parts = payload.Split(' ');
        if (parts.Length != 3 || !long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long version)) return false;
        if (!Model.EnumText.TryParse(parts[0], out InvalidationKind kind)) return false;
        invalidation = new Invalidation(kind, parts[1], version);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Model.EnumText.Of(Kind)} {Name} {Version}");
}

/// <summary>Who wants to hear of changes. Calls return at once and may come from any thread.</summary>
public interface IInvalidationSink
{
    /// <summary>One thing changed.</summary>
    void Invalidate(Invalidation change);

    /// <summary>Anything may have changed: announcements may have been missed until now, and none will be from now on.</summary>
    void Resynchronize();
}

/// <summary>Where announcements of changes come from: PostgreSQL's LISTEN, a watched file, Redis.</summary>
public interface IInvalidationSource
{
    /// <summary>Delivers announcements until cancelled, reconnecting as often as it takes, and calls
    /// <see cref="IInvalidationSink.Resynchronize"/> each time it begins anew. Ends only by cancellation.</summary>
    Task RunAsync(IInvalidationSink sink, CancellationToken cancellationToken);
}
