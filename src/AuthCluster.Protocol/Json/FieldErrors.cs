using System.Collections.Immutable;
using System.Text.Json;

namespace AuthCluster.Protocol.Json;

/// <summary>Collects what is wrong with a document, by field; a field keeps its first problem.</summary>
internal sealed class FieldErrors
{
    /// <summary>Most problems that are collected, so that a document with thousands of unknown members gets a short answer.</summary>
    public const int MaxErrors = 50;

    private readonly SortedDictionary<string, string> _errors = new(StringComparer.Ordinal);

    public bool Any => _errors.Count > 0;

    public bool IsFull => _errors.Count >= MaxErrors;

    /// <summary>Whether a member was refused because this version does not know it.</summary>
    public bool HasUnknown { get; private set; }

    public void Add(string path, string problem)
    {
        if (!IsFull)
        {
            _errors.TryAdd(path, problem);
        }
    }

    /// <summary>Notes a member that its object does not have.</summary>
    /// <param name="path">The member's path.</param>
    /// <param name="whole">The object, for example "a secret".</param>
    /// <param name="members">The members that the object has, so that the caller sees the right spelling.</param>
    public void AddUnknown(string path, string whole, params string[] members) =>
        AddUnsupported(path, $"Is no member of {whole}, which has {string.Join(", ", members[..^1])} and {members[^1]}.");

    /// <summary>Notes a member that this version does not support, though a newer one may.</summary>
    public void AddUnsupported(string path, string problem)
    {
        HasUnknown = true;
        Add(path, problem);
    }

    /// <summary>Reads a string; notes the problem and returns null when the value is none.</summary>
    public string? Text(string path, JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String)
        {
            return element.GetString();
        }

        Add(path, "Must be a string.");
        return null;
    }

    /// <summary>Reads a boolean; notes the problem and returns null when the value is none.</summary>
    public bool? Flag(string path, JsonElement element)
    {
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return element.GetBoolean();
        }

        Add(path, "Must be true or false.");
        return null;
    }

    /// <summary>Reads a whole number in a range; notes the problem and returns null when the value is none.</summary>
    public long? Number(string path, JsonElement element, long min, long max)
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var number) && number >= min && number <= max)
        {
            return number;
        }

        Add(path, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Must be a whole number from {min:N0} to {max:N0}."));
        return null;
    }

    /// <summary>Reads a time; notes the problem and returns null when the value is none.</summary>
    public DateTimeOffset? Time(string path, JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String && Rfc3339.TryParse(element.GetString(), out var time))
        {
            return time;
        }

        Add(path, "Must be a time of RFC 3339, such as 2030-01-31T08:00:00Z.");
        return null;
    }

    /// <summary>Reads a list of different strings; notes the problems and returns null when there are any.</summary>
    /// <param name="path">The list's path.</param>
    /// <param name="element">The list.</param>
    /// <param name="maxEntries">The most entries that the list may have.</param>
    /// <param name="problemOf">What is wrong with an entry, as a sentence; null when nothing is.</param>
    public ImmutableArray<string>? List(string path, JsonElement element, int maxEntries, Func<string, string?> problemOf)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            Add(path, "Must be a list of strings.");
            return null;
        }

        if (element.GetArrayLength() > maxEntries)
        {
            Add(path, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Must have at most {maxEntries:N0} entries."));
            return null;
        }

        var items = ImmutableArray.CreateBuilder<string>(element.GetArrayLength());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var good = true;
        foreach (var entry in element.EnumerateArray())
        {
            var entryPath = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{path}[{items.Count}]");
            var item = Text(entryPath, entry);
            var problem = item is null ? null : problemOf(item) ?? (seen.Add(item) ? null : "Is in the list already; name it once.");
            if (problem is not null)
            {
                Add(entryPath, problem);
            }

            good &= item is not null && problem is null;
            items.Add(item ?? "");
        }

        return good ? items.MoveToImmutable() : null;
    }

    public ImmutableSortedDictionary<string, string> ToImmutable() => _errors.ToImmutableSortedDictionary(StringComparer.Ordinal);
}
