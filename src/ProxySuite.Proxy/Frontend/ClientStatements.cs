using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>A client's name for a prepared statement; the object goes through the reply ledger so that a failed Parse can be undone.</summary>
/// <param name="Name">The client's name, no longer than counts.</param>
/// <param name="Statement">What it stands for on servers.</param>
internal sealed record StatementBinding(byte[] Name, SharedStatement Statement) : IParsedStatement
{
    /// <summary>The text as the client wrote it when it names another prepared statement in SQL; null for all others.</summary>
    public byte[]? Original { get; init; }

    /// <summary>What that name stood for when <see cref="Statement"/> was made of the text; null when it stood for nothing.</summary>
    public SharedStatement? Target { get; init; }
}

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
    // Memory of an unnamed statement that is kept when the statement is gone, in bytes.
    private const int UnnamedKept = 64 * 1024;

    private byte[] _unnamed = [];
    private long _bytes;
    private int _unnamedLength = -1;

    /// <summary>Counts the client's unnamed Parses: says which of them a server holds.</summary>
    public long UnnamedVersion { get; private set; }

    /// <summary>True when the client has an unnamed statement whose text is known here.</summary>
    public bool HasUnnamed => _unnamedLength >= 0;

    /// <summary>The client's unnamed statement was too long to keep: it is where it was parsed.</summary>
    public bool IsUnnamedOnServerOnly { get; private set; }

    /// <summary>Body of its Parse behind the name.</summary>
    public ReadOnlySpan<byte> Unnamed => _unnamed.AsSpan(0, Math.Max(0, _unnamedLength));

    /// <summary>Number of named statements.</summary>
    public int Count => _byName.Count;

    /// <summary>True when the client keeps more than it may.</summary>
    public bool IsFull => _bytes > BytesMax;

    /// <summary>The statement behind a name.</summary>
    public StatementBinding? Find(ReadOnlySpan<byte> name)
        => _byName.Count > 0 && _byName.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(Counting(name), out StatementBinding? binding) ? binding : null;

    /// <summary>The client's name of the statement that servers call by this one; null when it has none. For errors: walks through all.</summary>
    public byte[]? NameOf(ReadOnlySpan<byte> serverName)
    {
        foreach (StatementBinding binding in _byName.Values)
        {
            if (serverName.SequenceEqual(binding.Statement.ServerName)) return binding.Name;
        }
        return null;
    }

    // The server's table of names looks no further: longer names that begin alike are one (dynahash.c, string_compare).
    private static ReadOnlySpan<byte> Counting(ReadOnlySpan<byte> name) => name[..Math.Min(name.Length, StatementNames.NameBytesMax)];

    /// <summary>Names a statement; the name is free.</summary>
    /// <exception cref="PgProtocolException">The client keeps more than <see cref="BytesMax"/>: in the proxy's memory, not in a server process of its own.</exception>
    public StatementBinding Add(ReadOnlySpan<byte> name, SharedStatement statement, byte[]? original = null, SharedStatement? target = null)
    {
        if (IsFull) PgProtocolException.Throw("too many prepared statements");
        var binding = new StatementBinding(Counting(name).ToArray(), statement) { Original = original, Target = target };
        _byName[binding.Name] = binding;
        _bytes += Size(binding);
        return binding;
    }

    /// <summary>Gives a name's content another statement: the settings it is parsed under have changed.</summary>
    public StatementBinding Rebind(StatementBinding binding, SharedStatement statement, SharedStatement? target = null)
    {
        StatementBinding changed = binding with { Statement = statement, Target = target };
        if (_byName.ContainsKey(binding.Name))
        {
            _byName[binding.Name] = changed;
            _bytes += Size(changed) - Size(binding);
        }
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
        ForgetUnnamed();
        if (content.IsEmpty)
        {
            IsUnnamedOnServerOnly = true;
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
    public void ForgetUnnamed()
    {
        _unnamedLength = -1;
        IsUnnamedOnServerOnly = false;
        // A client seldom sends two long ones in a row, and its memory is kept for as long as it is there.
        if (_unnamed.Length > UnnamedKept) _unnamed = [];
    }

    /// <summary>The client parsed a long unnamed statement, which is still on its way.</summary>
    /// <param name="content">Body behind the name; filled by the caller.</param>
    public void SetLongUnnamed(byte[] content)
    {
        UnnamedVersion++;
        ForgetUnnamed();
        (_unnamed, _unnamedLength) = (content, content.Length);
    }
}
