namespace ProxySuite.Proxy.Backend;

/// <summary>Names with values, compared pair by pair.</summary>
internal static class Pairs
{
    // The runtime compares KeyValuePair by reflection and boxes both sides: 1.5 kB for the parameters of a login.
    public static bool AreEqual(KeyValuePair<string, string>[] left, KeyValuePair<string, string>[] right)
    {
        if (left.Length != right.Length) return false;
        for (int i = 0; i < left.Length; i++)
        {
            if (left[i].Key != right[i].Key || left[i].Value != right[i].Value) return false;
        }
        return true;
    }
}
