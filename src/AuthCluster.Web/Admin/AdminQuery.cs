using System.Globalization;
using AuthCluster.Protocol.Admin;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Admin;

/// <summary>Reads the parameters of a query string; what is wrong is collected by name.</summary>
internal sealed class AdminQuery(IQueryCollection query)
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1_000;

    private const int MaxText = 1_024;
    private readonly SortedDictionary<string, string> _errors = new(StringComparer.Ordinal);

    /// <summary>The answer to a bad query; null when it is good.</summary>
    public AdminAnswer? Problem => _errors.Count > 0 ? AdminProblem.Invalid(_errors) : null;

    /// <summary>A text; null when it is absent or empty.</summary>
    public string? Text(string name)
    {
        var values = query[name];
        if (values.Count > 1)
        {
            _errors.TryAdd(name, "Is given more than once; give it once.");
            return null;
        }

        if (values is not [{ Length: > 0 } text])
        {
            return null;
        }

        if (text.Length > MaxText)
        {
            _errors.TryAdd(name, "Has more than 1,024 characters.");
            return null;
        }

        return text;
    }

    /// <summary>How many to answer, 1 to 1,000.</summary>
    public int Limit() => Number("limit", 1, MaxLimit, DefaultLimit);

    /// <summary>A whole number in bounds.</summary>
    public int Number(string name, int min, int max, int otherwise)
    {
        if (Text(name) is not { } text)
        {
            if (query[name] is [""])
            {
                _errors.TryAdd(name, BoundsOf(min, max));
            }

            return otherwise;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        _errors.TryAdd(name, BoundsOf(min, max));
        return otherwise;
    }

    /// <summary>A time of RFC 3339; null when it is absent.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        // A plus sign of an offset that was not escaped comes as a space.
        if (Rfc3339.TryParse(text.Replace(' ', '+'), out var time))
        {
            return time;
        }

        _errors.TryAdd(name, "Must be a time of RFC 3339, such as 2030-01-31T08:00:00Z.");
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

        _errors.TryAdd(name, $"Must be {first} or {second}.");
        return first;
    }

    /// <summary>True, false or absent, which is false.</summary>
    public bool Flag(string name) => Choice(name, "false", "true") == "true";

    /// <summary>Notes a problem.</summary>
    public void Refuse(string name, string problem) => _errors.TryAdd(name, problem);

    private static string BoundsOf(int min, int max) =>
        string.Create(CultureInfo.InvariantCulture, $"Must be a whole number from {min:N0} to {max:N0}.");
}
