using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>
/// The parameters that a server has reported (GUC_REPORT), as one immutable value. Equal snapshots of a pool are one object, so that
/// "does the client know what this server has" is a comparison of references on the hot path.
/// </summary>
internal sealed class ParameterSnapshot : IEquatable<ParameterSnapshot>
{
    /// <summary>No parameter reported yet.</summary>
    public static readonly ParameterSnapshot Empty = new([]);

    private readonly KeyValuePair<string, string>[] _sorted;
    private readonly int _hash;
    private byte[]? _messages;
    private ParameterSnapshot? _coveredBy;

    private ParameterSnapshot(KeyValuePair<string, string>[] sorted)
    {
        _sorted = sorted;
        var hash = new HashCode();
        foreach ((string name, string value) in sorted)
        {
            hash.Add(name);
            hash.Add(value);
        }
        _hash = hash.ToHashCode();
    }

    /// <summary>Name and value of each parameter, sorted by name without regard to case.</summary>
    public ReadOnlySpan<KeyValuePair<string, string>> All => _sorted;

    /// <summary>A ParameterStatus for each, as clients are sent them at login. Encoded once: equal snapshots of a pool are one object.</summary>
    public ReadOnlySpan<byte> Messages => _messages ??= Encode();

    /// <summary>Whether a client that was told <paramref name="told"/> knows all of this, but for the name of the role, which stays with us.</summary>
    /// <remarks>Asked once a session with the same two objects, so the last pair that fitted is remembered.</remarks>
    public bool IsKnownTo(ParameterSnapshot told)
    {
        if (ReferenceEquals(_coveredBy, told)) return true;
        foreach ((string name, string value) in _sorted)
        {
            if (name != "session_authorization" && told[name] != value) return false;
        }
        _coveredBy = told;
        return true;
    }

    /// <summary>What was reported in this order; of a name that came twice the last value.</summary>
    public static ParameterSnapshot Of(List<KeyValuePair<string, string>> reported)
    {
        // By insertion: a server reports some 15, mostly in order.
        var sorted = new KeyValuePair<string, string>[reported.Count];
        int count = 0;
        for (int i = 0; i < reported.Count; i++)
        {
            KeyValuePair<string, string> one = reported[i];
            int at = count;
            while (at > 0 && string.Compare(sorted[at - 1].Key, one.Key, StringComparison.OrdinalIgnoreCase) > 0) at--;
            if (at > 0 && sorted[at - 1].Key.Equals(one.Key, StringComparison.OrdinalIgnoreCase))
            {
                sorted[at - 1] = new(sorted[at - 1].Key, one.Value);
                continue;
            }
            Array.Copy(sorted, at, sorted, at + 1, count++ - at);
            sorted[at] = one;
        }
        return count == 0 ? Empty : new ParameterSnapshot(count == sorted.Length ? sorted : sorted[..count]);
    }

    /// <summary>The value of a parameter, or null when it was never reported. Names are matched without regard to case, as PostgreSQL does.</summary>
    public string? this[string name]
    {
        get
        {
            int index = Find(name);
            return index >= 0 ? _sorted[index].Value : null;
        }
    }

    /// <summary>This snapshot with one parameter changed; itself when nothing changes.</summary>
    public ParameterSnapshot With(string name, string value)
    {
        int index = Find(name);
        if (index >= 0)
        {
            if (_sorted[index].Value == value) return this;
            var changed = (KeyValuePair<string, string>[])_sorted.Clone();
            changed[index] = new(_sorted[index].Key, value);
            return new ParameterSnapshot(changed);
        }
        int at = ~index;
        var longer = new KeyValuePair<string, string>[_sorted.Length + 1];
        _sorted.AsSpan(0, at).CopyTo(longer);
        longer[at] = new(name, value);
        _sorted.AsSpan(at).CopyTo(longer.AsSpan(at + 1));
        return new ParameterSnapshot(longer);
    }

    private byte[] Encode()
    {
        var messages = new FrameWriter();
        foreach ((string name, string value) in _sorted) ParameterStatus.Write(messages, name, value);
        return messages.WrittenSpan.ToArray();
    }

    private int Find(string name)
    {
        int low = 0, high = _sorted.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = string.Compare(_sorted[middle].Key, name, StringComparison.OrdinalIgnoreCase);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }

    /// <inheritdoc/>
    public bool Equals(ParameterSnapshot? other)
        => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && Pairs.AreEqual(_sorted, other._sorted));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ParameterSnapshot);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}
