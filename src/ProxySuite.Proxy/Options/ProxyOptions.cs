namespace ProxySuite.Proxy.Options;

/// <summary>All options of a proxy at one moment: immutable, validated, swapped as a whole on reload. The parameterless value holds the defaults.</summary>
public sealed record ProxyOptions
{
    public ListeningOptions Listen { get; init; } = new();
    public TlsOptions Tls { get; init; } = new();
    public MetricsOptions Metrics { get; init; } = new();
    public RegistryOptions Registry { get; init; } = new();
    public RedisOptions Redis { get; init; } = new();
    public SecretsOptions Secrets { get; init; } = new();
    public AuthOptions Auth { get; init; } = new();
    public AdminOptions Admin { get; init; } = new();
    public ReactorsOptions Reactors { get; init; } = new();
    public TransportOptions Transport { get; init; } = new();
    public PoolOptions Pool { get; init; } = new();
    public LimitsOptions Limits { get; init; } = new();
    public SettingsOptions Settings { get; init; } = new();
    public IsolationOptions Isolation { get; init; } = new();
    public LoggingOptions Logging { get; init; } = new();
    public ShutdownOptions Shutdown { get; init; } = new();

    internal static ProxyOptions Read(OptionsReader reader) => new()
    {
        Listen = ListeningOptions.Read(reader.Section(nameof(Listen))),
        Tls = TlsOptions.Read(reader.Section(nameof(Tls))),
        Metrics = MetricsOptions.Read(reader.Section(nameof(Metrics))),
        Registry = RegistryOptions.Read(reader.Section(nameof(Registry))),
        Redis = RedisOptions.Read(reader.Section(nameof(Redis))),
        Secrets = SecretsOptions.Read(reader.Section(nameof(Secrets))),
        Auth = AuthOptions.Read(reader.Section(nameof(Auth))),
        Admin = AdminOptions.Read(reader.Section(nameof(Admin))),
        Reactors = ReactorsOptions.Read(reader.Section(nameof(Reactors))),
        Transport = TransportOptions.Read(reader.Section(nameof(Transport))),
        Pool = PoolOptions.Read(reader.Section(nameof(Pool))),
        Limits = LimitsOptions.Read(reader.Section(nameof(Limits))),
        Settings = SettingsOptions.Read(reader.Section(nameof(Settings))),
        Isolation = IsolationOptions.Read(reader.Section(nameof(Isolation))),
        Logging = LoggingOptions.Read(reader.Section(nameof(Logging))),
        Shutdown = ShutdownOptions.Read(reader.Section(nameof(Shutdown))),
    };
}
