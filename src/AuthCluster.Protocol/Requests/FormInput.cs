namespace AuthCluster.Protocol.Requests;

/// <summary>A form request as it came over HTTP: the input of the parsers of the OAuth endpoints.</summary>
public readonly ref struct FormInput
{
    /// <summary>The body, not decoded. The calling endpoint bounds its size before it reads the body.</summary>
    public required ReadOnlySpan<byte> Body { get; init; }

    /// <summary>The value of <c>Content-Type</c>; null when there is none.</summary>
    public required string? ContentType { get; init; }

    /// <summary>The values of all Authorization headers.</summary>
    public required ReadOnlySpan<string?> Authorization { get; init; }

    /// <summary>The query string, with or without its question mark, not decoded.</summary>
    public required ReadOnlySpan<char> QueryString { get; init; }
}
