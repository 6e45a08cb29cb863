using ProxySuite.Proxy.Backend;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Sql;

namespace ProxySuite.Proxy.Frontend;

/// <summary>
/// Session mode: the client has one server from its login to its end, so names of statements are the server's own and nothing is carried. The filter stands before it as in any mode, and
/// settings of the connection string come back when the client resets all.
/// </summary>
internal sealed partial class ClientSession
{
    // What prepared statements do to the session when they run, for the few that do anything.
    private Dictionary<byte[], (StatementTraits Traits, SessionChange? Change)>? _nativeEffects;

    /// <summary>The session has its server for itself, for as long as it lasts; decided at its login.</summary>
    private readonly bool _isNative;

    /// <summary>Takes over the server that it was given at its login; the client has been told so.</summary>
    public void TakeOver(ServerConnection server) => Attach(server);

    private void TakeNativeParse(Parse parse, int? insteadOf, int length, ReadOnlySpan<byte> received, int at, ref int from, FrameWriter rewritten)
    {
        StatementFacts facts = SqlScanner.Scan(parse.Sql);
        if (insteadOf is null)
        {
            if ((facts.Traits & StatementFilter.Matters) != 0 && TryTakeFilteredParse(parse, length, received, at, ref from, rewritten)) return;
        }
        else Parse.Write(rewritten, parse.StatementName, parse.Sql, parse.ParameterTypes);
        SessionChange? change = facts.Traits == StatementTraits.None ? null : SessionChange.From(parse.Sql, facts);
        if (parse.StatementName.IsEmpty) (_unnamedTraits, _unnamedChange) = (facts.Traits, change);
        else if (facts.Traits != StatementTraits.None) (_nativeEffects ??= new(BytesComparer.Instance))[parse.StatementName.ToArray()] = (facts.Traits, change);
        else if (_nativeEffects is not null) _nativeEffects.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(parse.StatementName);
        _server!.Ledger.Push(Owed.Parse);
    }

    private void TakeNativeBind(Bind bind)
    {
        if (bind.StatementName.IsEmpty) NoteTraits(_unnamedTraits, _unnamedChange);
        else if (_nativeEffects is not null && _nativeEffects.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(bind.StatementName, out (StatementTraits Traits, SessionChange? Change) effects))
        {
            NoteTraits(effects.Traits, effects.Change);
        }
        _server!.Ledger.Push(Owed.Bind);
    }
}
