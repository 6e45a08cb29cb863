using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Frontend;

/// <summary>A client's name for a prepared statement; the object goes through the reply ledger so that a failed Parse can be undone.</summary>
internal sealed record StatementBinding(byte[] Name, SharedStatement Statement) : IParsedStatement;

/// <summary>A Close that may turn out to have been skipped: then the name is still there.</summary>
internal sealed record ClosedBinding(StatementBinding Binding);

/// <summary>The prepared statements of one client, by its own names, and its unnamed one (design §6).</summary>
internal sealed class ClientStatements
{
    /// <summary>Bytes of names and texts that one client may keep.</summary>
    public const long BytesMax = 32 << 20;

    // What an entry costs beside its bytes.
    private const int EntryBytes = 128;

    private readonly Dictionary<byte[], StatementBinding> _byName = new(BytesComparer.Instance);
    private byte[] _unnamed = [];
    private long _bytes;
    private int _unnamedLength = -1;

    /// <summary>Counts the client's unnamed Parses: says which of them a server holds.</summary>
    public long UnnamedVersion { get; private set; }

    /// <summary>True when the client has an unnamed statement whose text is known here.</summary>
    public bool HasUnnamed => _unnamedLength >= 0;

    /// <summary>Body of its Parse behind the name.</summary>
    public ReadOnlySpan<byte> Unnamed => _unnamed.AsSpan(0, Math.Max(0, _unnamedLength));

    /// <summary>Number of named statements.</summary>
    public int Count => _byName.Count;

    /// <summary>The statement behind a name.</summary>
    public StatementBinding? Find(ReadOnlySpan<byte> name)
        => _byName.Count > 0 && _byName.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out StatementBinding? binding) ? binding : null;

    /// <summary>Names a statement; the name is free.</summary>
    /// <exception cref="PgProtocolException">The client keeps more than <see cref="BytesMax"/>: in the proxy's memory, not in a server process of its own.</exception>
    public StatementBinding Add(ReadOnlySpan<byte> name, SharedStatement statement)
    {
        if (_bytes > BytesMax) PgProtocolException.Throw("too many prepared statements");
        var binding = new StatementBinding(name.ToArray(), statement);
        _byName[binding.Name] = binding;
        _bytes += Size(binding);
        return binding;
    }

    /// <summary>Gives a name's content another statement: the settings it is parsed under have changed.</summary>
    public StatementBinding Rebind(StatementBinding binding, SharedStatement statement)
    {
        var changed = new StatementBinding(binding.Name, statement);
        if (_byName.ContainsKey(binding.Name)) _byName[binding.Name] = changed;
        return changed;
    }

    /// <summary>Takes a name away, unless it means something else by now.</summary>
    public void Remove(StatementBinding binding)
    {
        if (_byName.TryGetValue(binding.Name, out StatementBinding? current) && ReferenceEquals(current, binding) && _byName.Remove(binding.Name)) _bytes -= Size(binding);
    }

    /// <summary>Puts a name back whose Close was skipped.</summary>
    public void Restore(StatementBinding binding)
    {
        if (_byName.TryAdd(binding.Name, binding)) _bytes += Size(binding);
    }

    /// <summary>All names are gone: DEALLOCATE ALL, DISCARD ALL.</summary>
    public void Clear()
    {
        _byName.Clear();
        _bytes = 0;
    }

    private static long Size(StatementBinding binding) => EntryBytes + binding.Name.Length + binding.Statement.Content.Length;

    /// <summary>The client parsed an unnamed statement.</summary>
    /// <param name="content">Body behind the name, or empty when it was too long to keep: then it lives on its server alone.</param>
    public void SetUnnamed(ReadOnlySpan<byte> content)
    {
        UnnamedVersion++;
        if (content.IsEmpty)
        {
            ForgetUnnamed();
            return;
        }
        // Kept between queries, as the next one is likely as long; a rare long one is given back by the next short one.
        if (_unnamed.Length < content.Length || _unnamed.Length > Math.Max(1024, content.Length * 4))
        {
            _unnamed = GC.AllocateUninitializedArray<byte>(Math.Max(64, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)content.Length)));
        }
        content.CopyTo(_unnamed);
        _unnamedLength = content.Length;
    }

    /// <summary>The client has no unnamed statement: a Query destroys it, and so does a Parse that fails (protocol-flow: Extended Query).</summary>
    public void ForgetUnnamed() => _unnamedLength = -1;
}
