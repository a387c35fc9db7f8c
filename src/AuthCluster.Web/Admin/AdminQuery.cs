using System.Globalization;
using AuthCluster.Protocol.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace AuthCluster.Web.Admin;

/// <summary>
/// Reads the parameters of a query string and collects problems by name. ASP.NET's binding would ignore unknown and repeated names;
/// here they are refused, since a misspelt filter must not return everything. Names are case-sensitive.
/// </summary>
internal sealed class AdminQuery
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1_000;

    private const int MaxText = 1_024;
    private const int MaxNameShown = 64;
    private const int MaxErrors = 50;
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _errors = new(StringComparer.Ordinal);

    /// <summary>Reads a query string.</summary>
    /// <param name="query">The query string, not decoded.</param>
    /// <param name="known">The parameters that the call knows.</param>
    public AdminQuery(QueryString query, IReadOnlyCollection<string> known)
    {
        foreach (var pair in new QueryStringEnumerable(query.Value))
        {
            var name = pair.DecodeName().ToString();
            if (!known.Contains(name))
            {
                Refuse(Shown(name), "Is no parameter of this call; see the spelling, or leave it out.");
            }
            else if (!_values.TryAdd(name, pair.DecodeValue().ToString()))
            {
                Refuse(name, "Is given more than once; give it once.");
            }
        }
    }

    /// <summary>The answer to a bad query; null when it is good.</summary>
    public AdminAnswer? Problem => _errors.Count > 0 ? AdminProblem.Invalid(_errors) : null;

    /// <summary>A text; null when it is absent or empty.</summary>
    public string? Text(string name)
    {
        if (_values.GetValueOrDefault(name) is not { Length: > 0 } text)
        {
            return null;
        }

        if (text.Length > MaxText)
        {
            Refuse(name, "Has more than 1,024 characters.");
            return null;
        }

        return text;
    }

    /// <summary>The largest number of items to return, 1 to 1,000.</summary>
    public int Limit() => Number("limit", 1, MaxLimit, DefaultLimit);

    /// <summary>A whole number in bounds.</summary>
    public int Number(string name, int min, int max, int otherwise)
    {
        if (Text(name) is not { } text)
        {
            if (_values.GetValueOrDefault(name) is "")
            {
                Refuse(name, BoundsOf(min, max));
            }

            return otherwise;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        Refuse(name, BoundsOf(min, max));
        return otherwise;
    }

    /// <summary>A time of RFC 3339; null when it is absent.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        // The plus sign of an offset arrives as a space when the caller did not escape it.
        if (Rfc3339.TryParse(text.Replace(' ', '+'), out var time))
        {
            return time;
        }

        Refuse(name, "Must be a time of RFC 3339, such as 2030-01-31T08:00:00Z.");
        return null;
    }

    /// <summary>One of a few words.</summary>
    public string Choice(string name, string first, string second)
    {
        var text = Text(name) ?? first;
        if (text == first || text == second)
        {
            return text;
        }

        Refuse(name, $"Must be {first} or {second}.");
        return first;
    }

    /// <summary>True, false or absent, which is false.</summary>
    public bool Flag(string name) => Choice(name, "false", "true") == "true";

    /// <summary>Adds a problem. Only the first of each parameter is kept, and at most 50 in all.</summary>
    public void Refuse(string name, string problem)
    {
        if (_errors.Count < MaxErrors)
        {
            _errors.TryAdd(name, problem);
        }
    }

    /// <summary>An unknown name as an answer may repeat it: shortened, and without invisible characters.</summary>
    private static string Shown(string name)
    {
        var shown = name.Length > MaxNameShown ? name[..MaxNameShown] + "…" : name;
        return shown.Length > 0 && DisplayText.HasOnlyPlainCharacters(shown) ? shown : "(unprintable)";
    }

    private static string BoundsOf(int min, int max) =>
        string.Create(CultureInfo.InvariantCulture, $"Must be a whole number from {min:N0} to {max:N0}.");
}
