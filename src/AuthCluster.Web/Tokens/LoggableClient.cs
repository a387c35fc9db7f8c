using AuthCluster.Protocol.Clients;

namespace AuthCluster.Web.Tokens;

/// <summary>Who made a request, as a log may hold it: in the place of an id callers send secrets too, by mistake.</summary>
/// <param name="Text">The id of a client that exists; else what <see cref="LoggableText.Masked"/> leaves of the text.</param>
/// <param name="Standing">How far it is known that the caller is that client.</param>
internal readonly record struct LoggableClient(string Text, CallerStanding Standing)
{
    /// <summary>No id was read.</summary>
    public static readonly LoggableClient None = new("", CallerStanding.Stranger);

    /// <summary>An id outside the grammar of ids.</summary>
    public static readonly LoggableClient OutsideGrammar = new("(masked)", CallerStanding.Stranger);

    /// <summary>An id of which it is not known whether there is such a client.</summary>
    public static LoggableClient Unknown(ClientId? id) => id is { } given ? new(LoggableText.Masked(given.Value), CallerStanding.Stranger) : None;

    /// <summary>A client that exists; the caller did not prove to be it.</summary>
    public static LoggableClient Known(ClientId id) => new(id.Value, CallerStanding.Named);

    /// <summary>A client that the caller proved to be.</summary>
    public static LoggableClient Proven(ClientId id) => new(id.Value, CallerStanding.Proven);
}
