namespace AuthCluster.Web.OAuth;

/// <summary>What is known about who made a request.</summary>
public enum CallerStanding
{
    /// <summary>Not at all: the request names no client, or one that is not known to exist.</summary>
    Unknown = 0,

    /// <summary>A client that exists is named, and the caller did not prove to be it.</summary>
    Named = 1,

    /// <summary>The caller proved to be a client.</summary>
    Proven = 2,
}
