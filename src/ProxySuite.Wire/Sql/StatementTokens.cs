namespace ProxySuite.Wire.Sql;

/// <summary>What the tokens of one statement tell.</summary>
internal readonly record struct StatementTokens(StatementKind Kind, StatementTraits Traits, SettingStatement Setting)
{
    /// <summary>Reads a statement up to its semicolon or the end of the text.</summary>
    /// <param name="sql">The whole text.</param>
    /// <param name="lexer">Behind the first token; moved behind the semicolon.</param>
    /// <param name="first">The statement's first token.</param>
    public static StatementTokens Read(ReadOnlySpan<byte> sql, ref SqlLexer lexer, SqlToken first)
    {
        int depth = 0;

        // (SELECT …) is a statement too, and what it is stands behind the parentheses.
        while (first is { Kind: SqlTokenKind.Symbol, First: (byte)'(' })
        {
            depth++;
            first = lexer.Next();
        }

        if (depth > 0 && first is { Kind: SqlTokenKind.Symbol, First: (byte)')' }) depth--;

        SqlKeyword keyword = Keyword(sql, first);
        StatementKind kind = KindOf(keyword);
        SqlLexer behindFirst = lexer;
        StatementTraits traits = ReadRest(sql, ref lexer, kind, keyword, depth, first.End, out int end);
        traits |= FirstWordTraits(sql, kind, behindFirst, end);
        if (IsGuarded(kind)) traits |= StatementTraits.Guarded;
        SettingStatement setting = kind switch
        {
            StatementKind.Set => SettingStatement.ReadSet(sql, behindFirst, end),
            StatementKind.Reset => SettingStatement.ReadReset(sql, behindFirst, end),
            _ => default,
        };
        return new StatementTokens(kind, traits | setting.Traits, setting);
    }

    private static bool IsGuarded(StatementKind kind)
        => kind is StatementKind.Prepare or StatementKind.Listen or StatementKind.Unlisten or StatementKind.Notify or StatementKind.Copy
            or StatementKind.Lock or StatementKind.Load or StatementKind.Do or >= StatementKind.Explain;

    // Walks to the semicolon and looks for the words that matter away from the beginning.
    private static StatementTraits ReadRest(
        ReadOnlySpan<byte> sql, ref SqlLexer lexer, StatementKind kind, SqlKeyword keyword, int depth, int firstEnd, out int end)
    {
        StatementTraits traits = StatementTraits.None;
        SqlKeyword before = SqlKeyword.None;
        SqlKeyword previous = keyword;

        // CREATE TEMP TABLE … ON COMMIT DROP leaves nothing behind its transaction.
        StatementTraits gone = StatementTraits.None;
        end = firstEnd;
        while (true)
        {
            SqlToken token = lexer.Next();
            if (token.Kind == SqlTokenKind.End)
            {
                return traits & ~gone;
            }

            if (token.Kind == SqlTokenKind.Symbol)
            {
                // CREATE RULE … DO (a; b): a semicolon in parentheses ends nothing.
                if (token.First == ';' && depth == 0)
                {
                    return traits & ~gone;
                }

                depth += token.First == '(' ? 1 : token.First == ')' && depth > 0 ? -1 : 0;
            }

            end = token.End;
            SqlKeyword current = Keyword(sql, token);
            traits |= (previous, current) switch
            {
                (SqlKeyword.Create or SqlKeyword.Global or SqlKeyword.Local or SqlKeyword.Replace, SqlKeyword.Temp or SqlKeyword.Temporary)
                    => StatementTraits.CreatesTemp,

                // INSERT INTO temp writes a table of that name.
                (SqlKeyword.Into, SqlKeyword.Temp or SqlKeyword.Temporary) when before is not (SqlKeyword.Insert or SqlKeyword.Merge)
                    => StatementTraits.CreatesTemp,
                (SqlKeyword.As, SqlKeyword.Execute) when kind == StatementKind.Create => StatementTraits.Execute,
                (_, SqlKeyword.Execute) when kind == StatementKind.Explain => StatementTraits.Execute,
                (SqlKeyword.With, SqlKeyword.Hold) when kind == StatementKind.Declare => StatementTraits.DeclareWithHold,
                (SqlKeyword.And, SqlKeyword.Chain) when kind is StatementKind.Commit or StatementKind.Rollback => StatementTraits.BeginsTransaction,
                _ => StatementTraits.None,
            };
            if (kind == StatementKind.Create && previous == SqlKeyword.Commit && current == SqlKeyword.Drop)
            {
                gone = StatementTraits.CreatesTemp;
            }

            before = previous;
            previous = current;
        }
    }

    private static StatementTraits FirstWordTraits(ReadOnlySpan<byte> sql, StatementKind kind, SqlLexer lexer, int end)
    {
        switch (kind)
        {
            case StatementKind.Begin:
                return StatementTraits.BeginsTransaction;
            case StatementKind.Commit:
                return NextKeyword(sql, ref lexer) == SqlKeyword.Prepared ? StatementTraits.None : StatementTraits.EndsTransaction;
            case StatementKind.Rollback:
                return RollbackTraits(sql, lexer);
            case StatementKind.Savepoint or StatementKind.Release:
                return StatementTraits.Savepoint;
            case StatementKind.Prepare:
                // PREPARE transaction AS … prepares a statement of that name.
                bool isTwoPhase = NextKeyword(sql, ref lexer) == SqlKeyword.Transaction && lexer.Next() is { Kind: SqlTokenKind.String };
                return isTwoPhase ? StatementTraits.EndsTransaction : StatementTraits.Prepare;
            case StatementKind.Discard:
                bool isAll = NextKeyword(sql, ref lexer) == SqlKeyword.All && lexer.Position == end;
                return isAll ? StatementTraits.Discard | StatementTraits.DiscardAll : StatementTraits.Discard;
            case StatementKind.Execute:
                return StatementTraits.Execute;
            case StatementKind.Deallocate:
                return StatementTraits.Deallocate;
            case StatementKind.Listen:
                return StatementTraits.Listen;
            case StatementKind.Unlisten:
                return StatementTraits.Unlisten;
            case StatementKind.Notify:
                return StatementTraits.Notify;
            case StatementKind.Load:
                return StatementTraits.Load;
            case StatementKind.Do:
                return StatementTraits.Do;
            case StatementKind.Call:
                return StatementTraits.Call;
            case StatementKind.Copy:
                return StatementTraits.Copy;
            case StatementKind.Lock:
                return StatementTraits.Lock;
            default:
                return StatementTraits.None;
        }
    }

    // ROLLBACK [ WORK | TRANSACTION ] TO [ SAVEPOINT ] name stays in the transaction; ROLLBACK PREPARED concerns another.
    private static StatementTraits RollbackTraits(ReadOnlySpan<byte> sql, SqlLexer lexer)
    {
        SqlKeyword second = NextKeyword(sql, ref lexer);
        if (second == SqlKeyword.Prepared) return StatementTraits.None;
        bool staysInside = second == SqlKeyword.To || (second is SqlKeyword.Transaction or SqlKeyword.Work && NextKeyword(sql, ref lexer) == SqlKeyword.To);
        return staysInside ? StatementTraits.Savepoint : StatementTraits.EndsTransaction;
    }

    private static SqlKeyword NextKeyword(ReadOnlySpan<byte> sql, ref SqlLexer lexer) => Keyword(sql, lexer.Next());

    private static SqlKeyword Keyword(ReadOnlySpan<byte> sql, SqlToken token)
        => token.Kind == SqlTokenKind.Word ? SqlKeywords.Find(sql[token.Start..token.End]) : SqlKeyword.None;

    private static StatementKind KindOf(SqlKeyword first) => first switch
    {
        SqlKeyword.Select => StatementKind.Select,
        SqlKeyword.Insert => StatementKind.Insert,
        SqlKeyword.Update => StatementKind.Update,
        SqlKeyword.Delete => StatementKind.Delete,
        SqlKeyword.Merge => StatementKind.Merge,
        SqlKeyword.With => StatementKind.With,
        SqlKeyword.Values => StatementKind.Values,
        SqlKeyword.Table => StatementKind.Table,
        SqlKeyword.Begin or SqlKeyword.Start => StatementKind.Begin,
        SqlKeyword.Commit or SqlKeyword.End => StatementKind.Commit,
        SqlKeyword.Rollback or SqlKeyword.Abort => StatementKind.Rollback,
        SqlKeyword.Savepoint => StatementKind.Savepoint,
        SqlKeyword.Release => StatementKind.Release,
        SqlKeyword.Set => StatementKind.Set,
        SqlKeyword.Reset => StatementKind.Reset,
        SqlKeyword.Show => StatementKind.Show,
        SqlKeyword.Discard => StatementKind.Discard,
        SqlKeyword.Prepare => StatementKind.Prepare,
        SqlKeyword.Execute => StatementKind.Execute,
        SqlKeyword.Deallocate => StatementKind.Deallocate,
        SqlKeyword.Declare => StatementKind.Declare,
        SqlKeyword.Fetch => StatementKind.Fetch,
        SqlKeyword.Move => StatementKind.Move,
        SqlKeyword.Close => StatementKind.Close,
        SqlKeyword.Listen => StatementKind.Listen,
        SqlKeyword.Unlisten => StatementKind.Unlisten,
        SqlKeyword.Notify => StatementKind.Notify,
        SqlKeyword.Copy => StatementKind.Copy,
        SqlKeyword.Lock => StatementKind.Lock,
        SqlKeyword.Load => StatementKind.Load,
        SqlKeyword.Do => StatementKind.Do,
        SqlKeyword.Call => StatementKind.Call,
        SqlKeyword.Explain => StatementKind.Explain,
        SqlKeyword.Create => StatementKind.Create,
        SqlKeyword.Alter => StatementKind.Alter,
        SqlKeyword.Drop => StatementKind.Drop,
        SqlKeyword.Truncate => StatementKind.Truncate,
        SqlKeyword.Grant => StatementKind.Grant,
        SqlKeyword.Revoke => StatementKind.Revoke,
        SqlKeyword.Vacuum => StatementKind.Vacuum,
        SqlKeyword.Analyze => StatementKind.Analyze,
        _ => StatementKind.Other,
    };
}
