namespace ProxySuite.Proxy.Options;

/// <summary>Section <c>Secrets</c>.</summary>
public sealed record SecretsOptions
{
    /// <summary>File with the master secret from which the passwords of the tenants' backend roles are derived.</summary>
    /// <value>A file that its owner alone may read; must be set; default empty. Needs a restart.</value>
    public string MasterKeyFile { get; init; } = "";

    internal static SecretsOptions Read(SectionReader section) => new()
    {
        MasterKeyFile = section.Text(nameof(MasterKeyFile), new SecretsOptions().MasterKeyFile),
    };
}
