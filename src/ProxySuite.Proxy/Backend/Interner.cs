namespace ProxySuite.Proxy.Backend;

/// <summary>Makes equal values one object, up to a bound; touched by one reactor's thread alone.</summary>
/// <param name="valuesMax">Values kept; past it the table starts again, which costs only comparisons by content until it has filled.</param>
internal sealed class Interner<T>(int valuesMax = 256) where T : class, IEquatable<T>
{
    private readonly Dictionary<T, T> _values = [];

    /// <summary>The one object that stands for all values equal to this.</summary>
    public T Intern(T value)
    {
        if (_values.TryGetValue(value, out T? known)) return known;
        if (_values.Count >= valuesMax) _values.Clear();
        _values.Add(value, value);
        return value;
    }
}
