using System.CommandLine;
using ProxySuite.Control.Users;

namespace ProxySuite.Cli.Frame;

/// <summary><c>--valid-until</c>: until when a user may log in.</summary>
internal static class ValidUntilOption
{
    private const string Name = "--valid-until";

    /// <summary>For a user who is new.</summary>
    public const string Description = "Until when the user may log in: a time such as 2027-01-31 or 2027-01-31T08:00Z, or a duration such as 90d; default: for ever";

    /// <summary>For a user who is there, so that an end can also be taken away.</summary>
    public static Option<ValidUntil?> Create(string purpose) => new(Name)
    {
        Description = $"{purpose}. A time such as 2027-01-31 or 2027-01-31T08:00Z, a duration such as 90d, or none",
        HelpName = "TIME|none",
        CustomParser = result => Typed.Read<ValidUntil?>(result, text => text == "none" ? ValidUntil.Ever : new ValidUntil(Typed.ReadTime(text))),
    };
}
