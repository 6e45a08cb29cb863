using System.CommandLine;
using System.CommandLine.Parsing;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Cli.Frame;

/// <summary>Options and arguments that are read into the product's own types; what cannot be read is an error of usage that says why.</summary>
internal static class Typed
{
    /// <summary>A shard by its name.</summary>
    public static Argument<string> ShardName() => new("NAME") { Description = "The shard" };

    public static Argument<TenantSlug> Slug(string name = "SLUG") => new(name)
    {
        Description = "Name that clients give as database: lower-case letters, digits, '-' and '_'",
        CustomParser = result => Read(result, TenantSlug.Parse),
    };

    public static Option<TenantSlug?> SlugOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SLUG",
        CustomParser = result => Read<TenantSlug?>(result, text => TenantSlug.Parse(text)),
    };

    /// <summary>Networks, one or many; <see cref="AddressList.Any"/> when none is given.</summary>
    public static Argument<AddressList> Addresses() => new("CIDR")
    {
        Description = "Networks such as 203.0.113.0/24, or single addresses; they replace those before",
        Arity = ArgumentArity.ZeroOrMore,
        DefaultValueFactory = _ => AddressList.Any,
        CustomParser = result => Read(result, _ => AddressList.Parse([.. result.Tokens.Select(token => token.Value)])),
    };

    public static Option<Dsn?> DsnOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DSN",
        CustomParser = result => Read(result, DsnParser.Parse),
    };

    public static Option<TimeSpan?> DurationOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result => Read<TimeSpan?>(result, text => Duration.Parse(text)),
    };

    /// <summary>A time to come: a date, a date with a time (UTC unless it says otherwise), or a duration from now.</summary>
    public static Option<DateTimeOffset?> TimeOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result => Read<DateTimeOffset?>(result, ReadTime),
    };

    internal static DateTimeOffset? ReadTime(string text)
    {
        const System.Globalization.DateTimeStyles Utc = System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal;
        if (text.Contains('-') && DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, Utc, out DateTimeOffset time)) return time;
        try
        {
            return DateTimeOffset.UtcNow + Duration.Parse(text);
        }
        catch (FormatException)
        {
            throw new FormatException($"\"{text}\" is no time; write 2027-01-31, 2027-01-31T08:00Z or 48h");
        }
    }

    /// <returns>An option in bytes.</returns>
    public static Option<long?> SizeOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result => Read<long?>(result, text => ByteSize.Parse(text)),
    };

    public static Option<int?> CountOption(string name, string description) => new(name) { Description = description, HelpName = "N" };

    public static Option<string?> TextOption(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };

    /// <summary>An option whose values are an enumeration's, spelled in lower case.</summary>
    /// <summary>A limit in whatever unit the text is read into.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">For the help.</param>
    /// <param name="form">How the value is written.</param>
    /// <param name="parse">Throws <see cref="FormatException"/> with the reason for refusing.</param>
    /// <param name="canBeNone">Whether "none" is one.</param>
    public static Option<Limit?> LimitOption(string name, string description, string form, Func<string, long> parse, bool canBeNone) => new(name)
    {
        Description = canBeNone ? $"{description}; none takes the limit away" : description,
        HelpName = canBeNone ? $"{form}|none" : form,
        CustomParser = result => Read<Limit?>(result, text => canBeNone && text == "none" ? new Limit(null) : new Limit(parse(text))),
    };

    public static Option<T?> ChoiceOption<T>(string name, string description) where T : struct, Enum
    {
        string[] choices = [.. Enum.GetValues<T>().Select(EnumText.Of)];
        var option = new Option<T?>(name)
        {
            Description = description,
            HelpName = string.Join('|', choices),
            CustomParser = result => Read<T?>(result, text => EnumText.Parse<T>(text)),
        };
        option.CompletionSources.Add(choices);
        return option;
    }

    internal static T? Read<T>(ArgumentResult result, Func<string, T> parse)
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (FormatException refused)
        {
            string where = result.Parent is OptionResult option ? $"{option.Option.Name}: " : "";
            result.AddError(where + refused.Message);
            return default;
        }
    }
}
