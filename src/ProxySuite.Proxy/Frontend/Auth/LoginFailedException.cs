using ProxySuite.Proxy.Telemetry;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Frontend.Auth;

/// <summary>A login failed, and the client is not told why: its answer is the same for all reasons. The log says it.</summary>
/// <param name="error">The answer.</param>
/// <param name="reason">For operators.</param>
/// <param name="counted">For the metric.</param>
internal sealed class LoginFailedException(PgError error, string reason, RefusalReason counted = RefusalReason.Authentication) : PgErrorException(error)
{
    public string Reason { get; } = reason;

    public RefusalReason Counted { get; } = counted;
}
