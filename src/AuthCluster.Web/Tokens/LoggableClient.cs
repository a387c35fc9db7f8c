using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Tokens;

/// <summary>Who made a request, as a log may hold it: in the place of an id callers send secrets too, by mistake.</summary>
/// <param name="Text">The id of a client that exists; else what <see cref="LoggableText.Masked"/> leaves of the text.</param>
/// <param name="IsProven">Whether the caller proved to be that client.</param>
internal readonly record struct LoggableClient(string Text, bool IsProven)
{
    /// <summary>No id was read.</summary>
    public static readonly LoggableClient None = new("", IsProven: false);

    /// <summary>An id outside the grammar of ids.</summary>
    public static readonly LoggableClient OutsideGrammar = new("(masked)", IsProven: false);

    /// <summary>An id of which it is not known whether there is such a client.</summary>
    public static LoggableClient Unknown(ClientId? id) => id is { } given ? new(LoggableText.Masked(given.Value), IsProven: false) : None;

    /// <summary>A client that exists; the caller did not prove to be it.</summary>
    public static LoggableClient Known(ClientId id) => new(id.Value, IsProven: false);

    /// <summary>A client that the caller proved to be.</summary>
    public static LoggableClient Proven(ClientId id) => new(id.Value, IsProven: true);
}
