namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Redis</c>: the cache shared between proxies.</summary>
public sealed record RedisOptions
{
    /// <summary>Servers and options in StackExchange.Redis form, such as <c>redis1:6379,redis2:6379,password=…</c>.</summary>
    /// <value>Empty for no Redis; default empty. Needs a restart. May hold a password, so it is never logged.</value>
    public string Configuration { get; init; } = "";

    /// <summary>Whether there is a Redis: a record would print its password.</summary>
    public override string ToString() => Configuration.Length > 0 ? "redis" : "off";

    internal static RedisOptions Read(SectionReader section) => new()
    {
        Configuration = section.Text(nameof(Configuration), new RedisOptions().Configuration),
    };
}
