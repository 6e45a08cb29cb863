using Microsoft.Extensions.Logging;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>What the tenant cache tells the log. Event ids 2000 to 2099.</summary>
internal static partial class DirectoryLog
{
    [LoggerMessage(2000, LogLevel.Warning, "registry does not answer; known tenants are served from memory: {Reason}")]
    public static partial void RegistryLost(this ILogger logger, string reason);

    [LoggerMessage(2001, LogLevel.Information, "registry answers again")]
    public static partial void RegistryBack(this ILogger logger);

    [LoggerMessage(2002, LogLevel.Error, "tenant cannot be read from the registry: tenant={Tenant} {Reason}")]
    public static partial void TenantUnreadable(this ILogger logger, TenantSlug tenant, string reason);

    [LoggerMessage(2003, LogLevel.Error, "a subscriber failed on a change of a tenant: tenant={Tenant}")]
    public static partial void SubscriberFailed(this ILogger logger, Exception exception, TenantSlug tenant);

    [LoggerMessage(2004, LogLevel.Information, "listening for changes of the registry")]
    public static partial void Listening(this ILogger logger);

    [LoggerMessage(2005, LogLevel.Warning, "not listening for changes of the registry, trying again in {DelayMs} ms: {Reason}")]
    public static partial void ListeningLost(this ILogger logger, long delayMs, string reason);

    [LoggerMessage(2006, LogLevel.Warning, "announcement of a change is not understood: {Payload}")]
    public static partial void AnnouncementUnknown(this ILogger logger, string payload);

    [LoggerMessage(2007, LogLevel.Information, "registry file was read again: {Path}")]
    public static partial void FileRead(this ILogger logger, string path);

    [LoggerMessage(2008, LogLevel.Error, "registry file is left as it was known: {Reason}")]
    public static partial void FileRefused(this ILogger logger, string reason);

    [LoggerMessage(2009, LogLevel.Warning, "Redis is away, going on without it: {Reason}")]
    public static partial void RedisLost(this ILogger logger, string reason);

    [LoggerMessage(2010, LogLevel.Information, "Redis is there")]
    public static partial void RedisBack(this ILogger logger);

    [LoggerMessage(2011, LogLevel.Information, "{Tenants} tenants are in memory ahead of their first clients")]
    public static partial void WarmedUp(this ILogger logger, int tenants);
}
