using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Registry;

/// <summary>A registry in one JSON file, for a sidecar that serves few tenants and has no server to ask; see <see cref="RegistryFile"/> for its form.</summary>
/// <remarks>As an <see cref="IInvalidationSource"/> it reads the file again when it changes; a file that is wrong then leaves the last good one in force.</remarks>
public sealed class FileTenantRegistry : ITenantRegistry, IInvalidationSource
{
    // By the file's time and size, not by inotify: Kubernetes swaps a symbolic link above the file, which watches of the file do not see.
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(2);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FileVersions _versions = new();
    private RegistryFile _current;
    private (DateTime Written, long Length) _stamp;

    private FileTenantRegistry(string path, TimeProvider time, ILogger logger)
    {
        (_path, _time, _logger) = (path, time, logger);
        _current = Read();
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="RegistryFileException">Anything wrong with it, with every problem and its path.</exception>
    public static FileTenantRegistry Open(string path, TimeProvider? time = null, ILogger<FileTenantRegistry>? logger = null)
        => new(path, time ?? TimeProvider.System, logger ?? NullLogger<FileTenantRegistry>.Instance);

    /// <inheritdoc/>
    public Task<TenantEntry?> FindTenantAsync(TenantSlug slug, CancellationToken cancellationToken)
        => Task.FromResult(Volatile.Read(ref _current).Tenants.GetValueOrDefault(slug));

    /// <inheritdoc/>
    public Task<IReadOnlyList<TenantEntry>> FindTenantsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<TenantEntry>>(Find(slugs));

    /// <inheritdoc/>
    public Task<IReadOnlyList<TenantVersions>> ReadVersionsAsync(IReadOnlyCollection<TenantSlug> slugs, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<TenantVersions>>([.. Find(slugs).Select(TenantVersions.Of)]);

    /// <inheritdoc/>
    public Task<Shard?> FindShardAsync(ShardId id, CancellationToken cancellationToken)
        => Task.FromResult(Volatile.Read(ref _current).Shards.FirstOrDefault(shard => shard.Id == id));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Shard>> ListShardsAsync(CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<Shard>>(Volatile.Read(ref _current).Shards);

    /// <inheritdoc/>
    public async Task RunAsync(IInvalidationSink sink, CancellationToken cancellationToken)
    {
        using var watch = new PeriodicTimer(WatchInterval, _time);
        while (await watch.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                if (Stamp() == _stamp) continue;
                Volatile.Write(ref _current, Read());
                _logger.FileRead(_path);
                sink.Resynchronize();
            }
            catch (RegistryFileException refused)
            {
                _logger.FileRefused(refused.Message);
            }
        }
    }

    private List<TenantEntry> Find(IReadOnlyCollection<TenantSlug> slugs)
    {
        RegistryFile file = Volatile.Read(ref _current);
        return [.. slugs.Where(file.Tenants.ContainsKey).Select(slug => file.Tenants[slug])];
    }

    private RegistryFile Read()
    {
        try
        {
            // Before the content, so that a write in between is seen as a change at the next look.
            _stamp = Stamp();
            return RegistryFile.Parse(_path, File.ReadAllText(_path), _versions);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw new RegistryFileException(_path, [failed.Message]);
        }
    }

    private (DateTime Written, long Length) Stamp()
    {
        try
        {
            // The target's, where the path is a link.
            string target = File.ResolveLinkTarget(_path, returnFinalTarget: true)?.FullName ?? _path;
            var file = new FileInfo(target);
            return (file.LastWriteTimeUtc, file.Length);
        }
        catch (IOException)
        {
            return default;
        }
    }
}
