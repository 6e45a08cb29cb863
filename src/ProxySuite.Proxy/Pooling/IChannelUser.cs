using System.Net;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Pooling;

/// <summary>How far NOTIFY reaches for a tenant.</summary>
internal enum NotificationReach : byte
{
    /// <summary>The database is the tenant's own: whoever notifies in it is the tenant.</summary>
    OwnDatabase,

    /// <summary>The database is shared: only what a session of this tenant has sent is delivered.</summary>
    SharedDatabase,

    /// <summary>Sessions are shared as well, so that nobody can tell who sent a notification: LISTEN and NOTIFY are refused.</summary>
    None,
}

/// <summary>Whoever a <see cref="TenantListener"/> passes notifications to.</summary>
internal interface IChannelUser
{
    /// <summary>A notification of the tenant's own on a channel that this user joined. The arrays may be kept.</summary>
    void OnNotification(in ChannelMessage message);

    /// <summary>A notification of the tenant's own that this user's own server was sent: the answer to <see cref="TenantListener.Judge"/>.</summary>
    void OnJudged(in ChannelMessage message);

    /// <summary>A channel that it joined is listened to from now on.</summary>
    void OnChannelOn();

    /// <summary>The channels that it joined and that are not on will not be on soon.</summary>
    void OnChannelsFailed(PgError error);

    /// <summary>All channels are on again after a gap, in which notifications may have been missed.</summary>
    void OnNotificationsMissed();

    /// <summary>The listener ends; the user joins the successor's.</summary>
    void OnListenerReplaced();
}

/// <summary>One notification.</summary>
/// <param name="ProcessId">Of the server process that sent it.</param>
/// <param name="Origin">The server that it is a process of.</param>
/// <param name="Channel">UTF-8.</param>
/// <param name="Payload">UTF-8.</param>
internal readonly record struct ChannelMessage(int ProcessId, EndPoint Origin, byte[] Channel, byte[] Payload);
