using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Wire.Tests;

/// <summary>Writes again what a reader made of a body.</summary>
public static class RoundTrip
{
    /// <returns>False when the library has no writer for the message, or for this form of it.</returns>
    public static bool Frontend(FrameWriter to, FrontendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case FrontendMessage.Bind:
                Bind bind = Bind.Read(body);
                Bind.Write(to, bind.PortalName, bind.StatementName, bind.Rest);
                return true;
            case FrontendMessage.Close:
                Close close = Close.Read(body);
                Close.Write(to, close.Target, close.Name);
                return true;
            case FrontendMessage.CopyData:
                CopyData.Write(to, body);
                return true;
            case FrontendMessage.CopyDone:
                CopyDone.Read(body);
                CopyDone.Write(to);
                return true;
            case FrontendMessage.CopyFail:
                CopyFail.Write(to, CopyFail.Read(body).Reason);
                return true;
            case FrontendMessage.Describe:
                Describe describe = Describe.Read(body);
                Describe.Write(to, describe.Target, describe.Name);
                return true;
            case FrontendMessage.Execute:
                Execute execute = Execute.Read(body);
                Execute.Write(to, execute.PortalName, execute.RowsMax);
                return true;
            case FrontendMessage.Flush:
                Flush.Read(body);
                Flush.Write(to);
                return true;
            case FrontendMessage.FunctionCall:
                return false;
            case FrontendMessage.Parse:
                Parse parse = Parse.Read(body);
                Parse.Write(to, parse.StatementName, parse.Sql, parse.ParameterTypes);
                return true;
            case FrontendMessage.PasswordMessage when body.StartsWith("SCRAM"u8):
                SASLInitialResponse initial = SASLInitialResponse.Read(body);
                SASLInitialResponse.Write(to, initial.Mechanism, initial.Data);
                return true;
            case FrontendMessage.PasswordMessage when body.StartsWith("c="u8):
                SASLResponse.Write(to, SASLResponse.Read(body));
                return true;
            case FrontendMessage.PasswordMessage:
                PasswordMessage.Write(to, PasswordMessage.Read(body).Password);
                return true;
            case FrontendMessage.Query:
                Query.Write(to, Query.Read(body).Sql);
                return true;
            case FrontendMessage.Sync:
                Sync.Read(body);
                Sync.Write(to);
                return true;
            case FrontendMessage.Terminate:
                Terminate.Read(body);
                Terminate.Write(to);
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <returns>False when the library has no writer for the message, or for this form of it.</returns>
    public static bool Backend(FrameWriter to, BackendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.Authentication:
                WriteAuthentication(to, Authentication.Read(body));
                return true;
            case BackendMessage.BackendKeyData:
                BackendKeyData key = BackendKeyData.Read(body);
                BackendKeyData.Write(to, key.ProcessId, key.Key);
                return true;
            case BackendMessage.BindComplete:
                BindComplete.Read(body);
                BindComplete.Write(to);
                return true;
            case BackendMessage.CloseComplete:
                CloseComplete.Read(body);
                CloseComplete.Write(to);
                return true;
            case BackendMessage.CommandComplete:
                CommandComplete.Write(to, CommandComplete.Read(body).Tag);
                return true;
            case BackendMessage.DataRow:
                return WriteDataRow(to, DataRow.Read(body));
            case BackendMessage.EmptyQueryResponse:
                EmptyQueryResponse.Read(body);
                EmptyQueryResponse.Write(to);
                return true;
            case BackendMessage.NegotiateProtocolVersion:
                NegotiateProtocolVersion answer = NegotiateProtocolVersion.Read(body);
                NegotiateProtocolVersion.Write(to, answer.Version, answer.UnsupportedOptions);
                return true;
            case BackendMessage.NoData:
                NoData.Read(body);
                NoData.Write(to);
                return true;
            case BackendMessage.NotificationResponse:
                NotificationResponse notification = NotificationResponse.Read(body);
                NotificationResponse.Write(to, notification.ProcessId, notification.Channel, notification.Payload);
                return true;
            case BackendMessage.ParameterStatus:
                ParameterStatus status = ParameterStatus.Read(body);
                ParameterStatus.Write(to, status.Name, status.Value);
                return true;
            case BackendMessage.ParseComplete:
                ParseComplete.Read(body);
                ParseComplete.Write(to);
                return true;
            case BackendMessage.PortalSuspended:
                PortalSuspended.Read(body);
                PortalSuspended.Write(to);
                return true;
            case BackendMessage.ReadyForQuery:
                ReadyForQuery.Write(to, ReadyForQuery.Read(body));
                return true;
            default:
                // Errors and row descriptions of a server have fields that the proxy's own never bear.
                return false;
        }
    }

    public static void Startup(FrameWriter to, StartupPacket packet)
    {
        switch (packet.Kind)
        {
            case StartupPacketKind.SSLRequest:
                StartupPacket.WriteSSLRequest(to);
                break;
            case StartupPacketKind.GSSENCRequest:
                StartupPacket.WriteGSSENCRequest(to);
                break;
            case StartupPacketKind.CancelRequest:
                StartupPacket.WriteCancelRequest(to, packet.Cancel!.ProcessId, packet.Cancel.Key);
                break;
            default:
                StartupMessage startup = packet.Startup!;
                List<KeyValuePair<string, string>> pairs = [.. startup.Parameters];
                foreach (string option in startup.UnsupportedOptions)
                {
                    Assert.True(startup.TryGet(option, out string? value));
                    pairs.Add(new(option, value));
                }

                StartupMessage.Write(to, startup.Version, pairs.ToArray());
                break;
        }
    }

    private static void WriteAuthentication(FrameWriter to, Authentication request)
    {
        switch (request.Kind)
        {
            case AuthenticationKind.Ok:
                Authentication.WriteOk(to);
                break;
            case AuthenticationKind.CleartextPassword:
                Authentication.WriteCleartextPassword(to);
                break;
            case AuthenticationKind.MD5Password:
                Authentication.WriteMD5Password(to, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(request.Data));
                break;
            case AuthenticationKind.SASL:
                Authentication.WriteSASL(to, withChannelBinding: request.Offers(Authentication.ScramSha256Plus));
                break;
            case AuthenticationKind.SASLContinue:
                Authentication.WriteSASLContinue(to, request.Data);
                break;
            case AuthenticationKind.SASLFinal:
                Authentication.WriteSASLFinal(to, request.Data);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(request));
        }
    }

    private static bool WriteDataRow(FrameWriter to, DataRow row)
    {
        var values = new List<string?>();
        foreach (DataRow.Value value in row)
        {
            if (!System.Text.Unicode.Utf8.IsValid(value.Bytes))
            {
                return false;
            }

            values.Add(value.IsNull ? null : System.Text.Encoding.UTF8.GetString(value.Bytes));
        }

        DataRow.Write(to, values.ToArray());
        return true;
    }
}
