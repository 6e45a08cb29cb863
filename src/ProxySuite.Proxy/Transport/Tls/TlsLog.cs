using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Telemetry;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>What encryption says in the log.</summary>
internal static partial class TlsLog
{
    [LoggerMessage(EventIds.Transport + 50, LogLevel.Information, "TLS handshake failed: client={Client} reason={Reason}")]
    public static partial void HandshakeFailed(this ILogger logger, string client, string reason);

    [LoggerMessage(EventIds.Transport + 51, LogLevel.Information, "TLS certificate loaded: subject={Subject} thumbprint={Thumbprint} expires={Expires:u}")]
    public static partial void CertificateLoaded(this ILogger logger, string subject, string thumbprint, DateTime expires);

    [LoggerMessage(EventIds.Transport + 52, LogLevel.Warning, "TLS certificate is not valid now, clients that verify it will refuse: subject={Subject} from={From:u} to={To:u}")]
    public static partial void CertificateNotValidNow(this ILogger logger, string subject, DateTime from, DateTime to);

    [LoggerMessage(EventIds.Transport + 53, LogLevel.Error, "TLS files cannot be used, the certificate in use stays: {Reason}")]
    public static partial void FilesRefused(this ILogger logger, string reason);
}
