using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Transport;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>Sends CancelRequests to shards (protocol-flow: Canceling Requests in Progress).</summary>
internal sealed class Canceller(ServerTls tls, ILogger<Canceller> logger)
{
    /// <summary>
    /// Asks a server to cancel what it runs, on a connection of its own. The server closes that connection once it has passed the signal on;
    /// until then the target must serve nobody else, so the caller counts the request in <see cref="ServerConnection.CancelsUnderWay"/>.
    /// </summary>
    /// <returns>False when the request could not be sent or its end was not seen within the deadline.</returns>
    public async Task<bool> CancelAsync(Reactor reactor, EndPoint endPoint, TlsMode mode, CancelKey key, ProxyOptions options)
    {
        using var deadline = new CancellationTokenSource(options.Pool.CancelTimeout);
        TransportConnection? link = null;
        try
        {
            link = await ServerOpener.ConnectAsync(reactor, endPoint, options.Transport.Sockets(), deadline.Token);
            link = await tls.SecureAsync(link, endPoint, mode, deadline.Token);
            var packet = new FrameWriter();
            StartupPacket.WriteCancelRequest(packet, key.ProcessId, key.Key.Span);
            await link.Pipe.Output.WriteAsync(packet.WrittenMemory, deadline.Token);
            // A CancelRequest gets no reply; end-of-stream says that it was dealt with.
            while (true)
            {
                System.IO.Pipelines.ReadResult result = await link.Pipe.Input.ReadAsync(deadline.Token);
                if (result.IsCompleted) return true;
                link.Pipe.Input.AdvanceTo(result.Buffer.End);
            }
        }
        catch (Exception broken) when (broken is SocketException or IOException or OperationCanceledException)
        {
            // Without TLS nothing was sent.
            if (broken is ServerTlsException)
            {
                logger.CancelFailed(endPoint.ToString() ?? "", broken.Message);
                return false;
            }
            // A reset after the request is how some servers end such a connection; the request itself has been read by then.
            if (broken is IOException && link is not null) return true;
            logger.CancelFailed(endPoint.ToString() ?? "", broken.Message);
            return false;
        }
        finally
        {
            link?.Abort();
        }
    }
}
