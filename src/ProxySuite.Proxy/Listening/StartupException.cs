namespace ProxySuite.Proxy.Listening;

/// <summary>Something outside the proxy keeps it from starting; the message is for an operator and says what and where, without a stack trace.</summary>
public sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
