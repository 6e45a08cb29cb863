using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Scram;
using ProxySuite.Wire.Sql;
using ProxySuite.Wire.Tests.Captures;

namespace ProxySuite.Wire.Tests.Mutation;

/// <summary>A reader, and valid inputs to break for it.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Inputs">At least one.</param>
/// <param name="Weight">How often it is chosen, relative to others: what computes hashes comes seldom.</param>
/// <param name="Read">Reads one input; throws nothing but <see cref="PgProtocolException"/>.</param>
public sealed record Target(string Name, byte[][] Inputs, int Weight, ReadBody Read)
{
    /// <summary>All that reads bytes from a peer.</summary>
    public static IReadOnlyList<Target> All { get; } = [.. Frontend(), .. Backend(), .. Streams(), .. Sql(), .. Scram()];

    private static IEnumerable<Target> Frontend()
    {
        foreach (FrontendMessage type in Enum.GetValues<FrontendMessage>())
        {
            byte[][] bodies = Bodies(fromBackend: false, (byte)type);
            foreach ((string name, ReadBody read) in Readers.Frontend(type))
            {
                yield return new Target(name, bodies, 20, read);
            }

            if (type is not (FrontendMessage.FunctionCall or FrontendMessage.PasswordMessage or FrontendMessage.CopyData))
            {
                yield return new Target($"{type} written back", bodies, 10, body => WriteBack(type, body));
            }
        }
    }

    private static IEnumerable<Target> Backend()
    {
        foreach (BackendMessage type in Enum.GetValues<BackendMessage>())
        {
            if (Readers.Backend(type) is { } read)
            {
                yield return new Target(type.ToString(), Bodies(fromBackend: true, (byte)type), 20, read);
            }
        }
    }

    private static IEnumerable<Target> Streams()
    {
        byte[][] streams =
            [.. Capture.Names.Select(name => Capture.Read(name).Where(m => m.IsFramed).SelectMany(m => m.Bytes).Take(Mutator.LengthMax).ToArray())];
        yield return new Target("FrameScanner", streams, 60, Scan);
        yield return new Target("StartupPacket", [.. Capture.StartupPackets], 60, bytes => StartupPacket.TryRead(bytes, out _, out _));

        // Mutations rarely leave the length word right; here it always is.
        byte[] packet = new byte[Mutator.LengthMax + 4];
        yield return new Target("StartupPacket of right length", [.. Capture.StartupPackets.Select(bytes => bytes[4..])], 60, bytes =>
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(packet, bytes.Length + 4);
            bytes.CopyTo(packet.AsSpan(4));
            StartupPacket.Read(packet.AsSpan(0, bytes.Length + 4));
        });
    }

    private static IEnumerable<Target> Sql()
    {
        string[] texts =
        [
            "SELECT id, name FROM products WHERE tenant = $1 AND id = $2 LIMIT 10", "SET SESSION search_path TO 'a', \"b\"; RESET ALL",
            "SELECT E'\\'a' -- x\n 'b', U&\"d\\0061t\", $t$ ; $u$ $t$, /* /* */ */ 1; DISCARD ALL", "CREATE TEMP TABLE t AS EXECUTE s",
            "RESET SESSION AUTHORIZATION", "ROLLBACK WORK AND CHAIN", "SET LOCAL TIME ZONE INTERVAL '1' HOUR",
            "SELECT set_config('a', 'b', false), pg_advisory_lock(1), 'pg_temp'", "UPDATE pg_settings SET setting = 1", "PREPARE TRANSACTION 'x'",
            "(((SELECT 1) UNION SELECT 2)); DECLARE c CURSOR WITH HOLD FOR SELECT 1", "COMMIT; BEGIN; SET ROLE x",
        ];
        yield return new Target("SqlScanner", [.. texts.Select(Encoding.UTF8.GetBytes)], 200, ReadSql);
    }

    private static IEnumerable<Target> Scram()
    {
        ScramKeys keys = ScramKeys.Derive("pencil", "salt"u8, 2);
        ScramVerifier verifier = ScramVerifier.FromKeys(keys);
        byte[] clientFirst = "n,,n=,r=abc"u8.ToArray();
        byte[] serverFirst = "r=abcdef,s=c2FsdA==,i=2"u8.ToArray();
        var client = new ScramClient(null, keys, nonce: "abc");
        client.TryAnswer(serverFirst, out byte[]? clientFinal);
        var server = new ScramServer(verifier, nonce: "def");
        server.Start(Authentication.ScramSha256, clientFirst);
        server.TryFinish(clientFinal, out byte[]? serverFinal);

        yield return new Target("SCRAM client-first", [clientFirst, "p=tls-server-end-point,,n=,r=abc"u8.ToArray()], 4, bytes =>
        {
            ReadOnlySpan<byte> mechanism = bytes.StartsWith("p"u8) ? Authentication.ScramSha256Plus : Authentication.ScramSha256;
            new ScramServer(verifier, [1, 2, 3], nonce: "def").Start(mechanism, bytes);
        });
        yield return new Target("SCRAM client-final", [clientFinal!], 4, bytes =>
        {
            var fresh = new ScramServer(verifier, nonce: "def");
            fresh.Start(Authentication.ScramSha256, clientFirst);
            if (fresh.TryFinish(bytes, out _) && !bytes.SequenceEqual(clientFinal))
            {
                throw new InvalidOperationException("a broken proof was accepted");
            }
        });
        yield return new Target("SCRAM server-first with keys", [serverFirst], 4, bytes =>
            new ScramClient(null, keys, nonce: "abc").TryAnswer(bytes, out _));
        yield return new Target("SCRAM server-first with a password", [serverFirst], 4, bytes =>
            new ScramClient("pencil", nonce: "abc") { IterationsMax = 20 }.TryAnswer(bytes, out _));
        yield return new Target("SCRAM server-final", [serverFinal!], 4, bytes =>
        {
            client.Finish(bytes);

            // Extensions may follow; the signature itself must be whole.
            if (!bytes.StartsWith(serverFinal))
            {
                throw new InvalidOperationException("a broken signature was accepted");
            }
        });
        yield return new Target("SCRAM verifier", [Encoding.Latin1.GetBytes(verifier.ToStoredForm())], 4, bytes =>
            _ = ScramVerifier.TryParse(Encoding.Latin1.GetString(bytes), out _));
        yield return new Target("SASLprep", [.. Capture.Verifiers("pg18").Select(entry => entry.Password)], 8, bytes => SaslPrep.Prepare(bytes));
    }

    private static byte[][] Bodies(bool fromBackend, byte type)
        => [.. Capture.Framed.Where(m => m.FromBackend == fromBackend && m.Bytes[0] == type).Select(m => m.Bytes[FrameHeader.Size..])];

    [ThreadStatic]
    private static FrameWriter? writerOfThread;

    private static void WriteBack(FrontendMessage type, ReadOnlySpan<byte> body)
    {
        FrameWriter writer = writerOfThread ??= new FrameWriter();
        writer.Clear();
        RoundTrip.Frontend(writer, type, body);
        if (!writer.WrittenSpan[FrameHeader.Size..].SequenceEqual(body))
        {
            throw new InvalidOperationException("what was read is not what was written");
        }
    }

    private static void Scan(ReadOnlySpan<byte> bytes)
    {
        var scanner = new FrameScanner(Mutator.LengthMax);
        int offset = 0;
        int end = 0;
        while (scanner.TryNext(bytes, ref offset, out FrameSlice slice))
        {
            if (slice.Start != end || slice.End <= slice.Start || slice.End != offset)
            {
                throw new InvalidOperationException("slices leave a gap");
            }

            end = slice.End;
        }

        if (bytes.Length - offset >= FrameHeader.Size)
        {
            throw new InvalidOperationException("more than a partial header is left");
        }
    }

    private static void ReadSql(ReadOnlySpan<byte> sql)
    {
        StatementFacts facts = SqlScanner.Scan(sql);
        _ = sql[facts.SettingName];
        _ = sql[facts.SettingValue];
    }
}
