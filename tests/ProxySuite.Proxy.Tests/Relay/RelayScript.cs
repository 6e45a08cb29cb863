using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Short forms for tests that play both ends.</summary>
internal static class RelayScript
{
    /// <summary>The next messages that the server gets are these, and in this order.</summary>
    public static async Task ExpectAsync(this ScriptedConnection server, params string[] messages)
    {
        foreach (string message in messages) Assert.Equal(message, (await server.NextAsync()).ToString());
    }

    /// <summary>The next messages that the client gets are these, and in this order.</summary>
    public static async Task ExpectAsync(this RawClient client, params string[] messages)
    {
        foreach (string message in messages)
        {
            WireMessage? next = await client.NextAsync();
            Assert.True(next is not null, $"the connection ended ({client.Wire.Ending}) before {message}:\n{client.Transcript}");
            string text = next.ToString();
            // Hints are for people; what a test is about is the code and the text.
            Assert.Equal(message, text.StartsWith("ErrorResponse", StringComparison.Ordinal) && !message.Contains(" hint ", StringComparison.Ordinal) ? text.Split(" hint ")[0] : text);
        }
    }

    /// <summary>Reads to the next ReadyForQuery; a line a message.</summary>
    public static async Task<string[]> ReadyAsync(this RawClient client)
        => [.. (await client.ReadUntilAsync(BackendMessage.ReadyForQuery)).Select(message => message.ToString())];

    /// <summary>A simple query whose answer is checked: relayed to <paramref name="server"/> and answered by the script.</summary>
    public static async Task RoundTripAsync(this RawClient client, ScriptedConnection server, string sql, string tag = "SELECT 1", char status = 'I')
    {
        await client.SendAsync(FrontendBytes.Query(sql));
        await server.ExpectAsync($"Query \"{sql.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        await server.AnswerAsync(BackendBytes.CommandComplete(tag), BackendBytes.ReadyForQuery(status));
        await client.ExpectAsync($"CommandComplete \"{tag}\"", $"ReadyForQuery {status}");
    }

    /// <summary>Prepares a statement, which the server gets under the name <c>proxysuite_1</c>, the first that it is given.</summary>
    public static async Task PrepareAsync(this RawClient client, ScriptedConnection server, string name, string sql)
    {
        await client.SendAsync(FrontendBytes.Parse(name, sql), FrontendBytes.Sync);
        await server.ExpectAsync($"Parse \"proxysuite_1\" \"{sql}\"", "Sync");
        await server.AnswerAsync(BackendBytes.ParseComplete, BackendBytes.ReadyForQuery('I'));
        await client.ReadyAsync();
    }

    /// <summary>A backend that echoes, and hangs up when it is told good-bye, as a server does.</summary>
    public static ScriptedBackendOptions Echo()
    {
        var echo = new EchoResponder();
        return new ScriptedBackendOptions
        {
            Respond = (connection, message) =>
            {
                if (message.Type != (char)FrontendMessage.Terminate) return echo.Respond(connection, message);
                connection.Close();
                return null;
            },
        };
    }

    /// <summary>The pool's DISCARD ALL comes and is answered.</summary>
    public static async Task AnswerResetAsync(this ScriptedConnection server)
    {
        await server.ExpectAsync("Query \"DISCARD ALL\"");
        await server.AnswerAsync(BackendBytes.CommandComplete("DISCARD ALL"), BackendBytes.ReadyForQuery('I'));
    }

    /// <summary>
    /// Two server connections of acme, both idle; which is lent next is the first one. Two clients in a transaction at a time make the pool open them.
    /// </summary>
    public static async Task<(ScriptedConnection First, ScriptedConnection Second)> TwoServersAsync(this ProxyWorld world)
    {
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection first = await world.Backend.NextConnectionAsync();
        await one.RoundTripAsync(first, "BEGIN", "BEGIN", 'T');
        await two.SendAsync(FrontendBytes.Query("BEGIN"));
        ScriptedConnection second = await world.Backend.NextConnectionAsync();
        await second.ExpectAsync("Query \"BEGIN\"");
        await second.AnswerAsync(BackendBytes.CommandComplete("BEGIN"), BackendBytes.ReadyForQuery('T'));
        await two.ReadyAsync();
        await one.RoundTripAsync(first, "COMMIT", "COMMIT");
        await two.RoundTripAsync(second, "COMMIT", "COMMIT");
        await world.WaitForPoolAsync(new(Idle: 2, Linked: 0));
        return (first, second);
    }
}

/// <summary>For a backend that leaves even the login to the test.</summary>
internal static class LoginScript
{
    /// <summary>The connection with this number, once it has been accepted.</summary>
    public static async Task<ScriptedConnection> AcceptAsync(this ScriptedBackend backend, int number)
    {
        for (int i = 0; i < 1000 && backend.Connections.Count <= number; i++) await Task.Delay(10);
        return backend.Connections[number];
    }

    /// <summary>A client of acme, and the server connection that its login waited for.</summary>
    public static async Task<(RawClient Client, ScriptedConnection Server)> FirstAsync(this ProxyWorld world)
    {
        Task<RawClient> connecting = world.ConnectAsync();
        ScriptedConnection server = await world.Backend.AcceptAsync(0);
        await server.WelcomeAsync();
        return (await connecting, server);
    }

    /// <summary>Lets a StartupMessage in.</summary>
    public static async Task WelcomeAsync(this ScriptedConnection server)
    {
        Assert.StartsWith("StartupMessage", (await server.NextAsync()).ToString(), StringComparison.Ordinal);
        await server.AnswerAsync(
            BackendBytes.AuthenticationOk, BackendBytes.ParameterStatus("server_version", "18.0"), BackendBytes.BackendKeyData(server.ProcessId, server.Key),
            BackendBytes.ReadyForQuery('I'));
    }
}
