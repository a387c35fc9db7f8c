using System.Globalization;
using System.Text.RegularExpressions;

namespace AuthCluster.Server.Settings;

/// <summary>
/// Reads values of one configuration section, remembers which keys are known, and collects one sentence for
/// each wrong value: its key, the problem and the accepted form. A sentence never repeats a value that could be a secret.
/// </summary>
internal sealed partial class SettingsReader(IConfiguration configuration, string section)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Reports a mistake in something that is not a key of the section.</summary>
    public void ErrorElsewhere(string key, string problem) => _errors.Add($"{key} {problem}");

    public void Error(string key, string problem) => _errors.Add($"{section}:{key} {problem}");

    /// <summary>Whether a mistake in a key or in its <c>File</c> twin was reported already; then the key is not reported missing too.</summary>
    public bool HasErrorOf(string key) => _errors.Exists(error => error.StartsWith($"{section}:{key}", StringComparison.Ordinal));

    /// <summary>The text of a key; null when it is absent or empty.</summary>
    public string? Text(string key)
    {
        _known.Add(key);
        return configuration[$"{section}:{key}"] is { Length: > 0 } text ? text : null;
    }

    /// <summary>A secret, from the key itself or from the file that its <c>File</c> twin names.</summary>
    public string? Secret(string key)
    {
        var value = Text(key);
        var file = Text(key + "File");
        if (file is null)
        {
            return value;
        }

        if (value is not null)
        {
            Error(key, $"and {section}:{key}File are both set; set one of them.");
            return null;
        }

        try
        {
            var text = File.ReadAllText(file);
            text = text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
            if (text.Length == 0)
            {
                Error(key + "File", $"names the file '{file}', which is empty; write the value into it.");
                return null;
            }

            return text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Error(key + "File", $"names the file '{file}', which can't be read; give the path of a file that this user can read.");
            return null;
        }
    }

    public bool Flag(string key, bool otherwise)
    {
        if (Text(key) is not { } text)
        {
            return otherwise;
        }

        if (bool.TryParse(text, out var value))
        {
            return value;
        }

        Error(key, $"is '{text}'; it must be true or false.");
        return otherwise;
    }

    public TEnum Choice<TEnum>(string key, TEnum otherwise)
        where TEnum : struct, Enum
    {
        if (Text(key) is not { } text)
        {
            return otherwise;
        }

        // Enum.TryParse would accept numbers too, which the documentation does not name.
        if (Enum.GetNames<TEnum>().Contains(text, StringComparer.OrdinalIgnoreCase))
        {
            return Enum.Parse<TEnum>(text, ignoreCase: true);
        }

        Error(key, $"is '{text}'; it must be one of {string.Join(", ", Enum.GetNames<TEnum>())}.");
        return otherwise;
    }

    public string Choice(string key, string otherwise, params IReadOnlyList<string> choices)
    {
        var text = Text(key) ?? otherwise;
        if (choices.Contains(text, StringComparer.Ordinal))
        {
            return text;
        }

        Error(key, $"is '{text}'; it must be one of {string.Join(", ", choices)}.");
        return otherwise;
    }

    /// <summary>A duration, <c>hh:mm:ss</c> or <c>d.hh:mm:ss</c>. A bare number, which .NET would read as days, is refused.</summary>
    public TimeSpan Duration(string key, TimeSpan otherwise, TimeSpan min, TimeSpan max)
    {
        if (Text(key) is not { } text)
        {
            return otherwise;
        }

        if (!TryParseDuration(text, out var value))
        {
            Error(key, $"is '{text}'; it must be a duration such as 01:30:00 (hh:mm:ss) or 90.00:00:00 (d.hh:mm:ss).");
            return otherwise;
        }

        if (value < min || value > max)
        {
            Error(key, $"is '{text}'; it must lie between {min:c} and {max:c}.");
            return otherwise;
        }

        return value;
    }

    /// <summary>A number of whole days, <c>400</c>, or the same as a duration, <c>400.00:00:00</c>.</summary>
    public int Days(string key, int otherwise, int min, int max)
    {
        if (Text(key) is not { } text)
        {
            return otherwise;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days))
        {
            days = TryParseDuration(text, out var duration) && duration.Ticks % TimeSpan.TicksPerDay == 0 ? duration.Days : 0;
        }

        if (days >= min && days <= max)
        {
            return days;
        }

        Error(key, $"is '{text}'; it must be a number of days from {min} to {max}, such as {otherwise}.");
        return otherwise;
    }

    private static bool TryParseDuration(string text, out TimeSpan value)
    {
        value = default;
        if (DurationForm().Match(text) is not { Success: true } match)
        {
            return false;
        }

        int Part(string name) => match.Groups[name] is { Success: true } group ? int.Parse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0;
        var (days, hours, minutes, seconds) = (Part("days"), Part("hours"), Part("minutes"), Part("seconds"));
        // TimeSpan.Parse would read 24:00:00 as 24 days; here the hours are hours, as the form says.
        value = new TimeSpan(days, hours, minutes, seconds);
        return minutes < 60 && seconds < 60 && (hours < 24 || !match.Groups["days"].Success);
    }

    public int Port(string key, int otherwise)
    {
        if (Text(key) is not { } text)
        {
            return otherwise;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535)
        {
            return port;
        }

        Error(key, $"is '{text}'; it must be a port from 1 to 65535.");
        return otherwise;
    }

    /// <summary>A list, comma separated in one value or indexed (<c>Key:0</c>).</summary>
    public IReadOnlyList<string> List(string key)
    {
        var values = new List<string>();
        if (Text(key) is { } text)
        {
            values.AddRange(text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }

        foreach (var child in configuration.GetSection($"{section}:{key}").GetChildren())
        {
            _known.Add($"{key}:{child.Key}");
            if (child.Value is { Length: > 0 } value)
            {
                values.Add(value.Trim());
            }
        }

        return values;
    }

    /// <summary>Reports keys of the section that no setting was read from: most of them are misspelt.</summary>
    public void RefuseUnknown()
    {
        foreach (var (path, value) in configuration.GetSection(section).AsEnumerable(makePathsRelative: true))
        {
            if (!string.IsNullOrEmpty(value) && !_known.Contains(path))
            {
                Error(path, "is not a configuration key of this version; see docs/configuration.md for the ones that are.");
            }
        }
    }

    [GeneratedRegex(@"^((?<days>[0-9]{1,5})\.)?(?<hours>[0-9]{1,2}):(?<minutes>[0-9]{2}):(?<seconds>[0-9]{2})\z")]
    private static partial Regex DurationForm();
}
