using AuthCluster.Client.Clients;

namespace AuthCluster.Client.Tokens;

/// <summary>When a token is renewed and until when it is handed out.</summary>
internal static class TokenSchedule
{
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    /// <summary>What a token must still have when it is handed out: the call has to reach the API with it.</summary>
    private static readonly TimeSpan Transit = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The age from which a token is renewed: 5 minutes before its end, or a fifth of a shorter lifetime, and up to a
    /// fifth of that earlier, drawn for each token, so that a fleet that started together does not renew together.
    /// </summary>
    public static TimeSpan RenewAfter(TimeSpan lifetime)
    {
        var ahead = lifetime / 5 < Ahead ? lifetime / 5 : Ahead;
        return lifetime - Pause.Spread(ahead);
    }

    /// <summary>The age from which a token is no longer handed out.</summary>
    public static TimeSpan UsableFor(TimeSpan lifetime) => lifetime - (lifetime / 10 < Transit ? lifetime / 10 : Transit);

    /// <summary>
    /// The larger of the ages by the monotonic clock and by the wall clock: the first stands still while a machine
    /// sleeps, the second may be set back.
    /// </summary>
    public static TimeSpan Age(AccessToken token, TimeProvider clock)
    {
        var monotonic = clock.GetElapsedTime(token.RequestedAt);
        var wall = clock.GetUtcNow() - (token.ExpiresAt - token.Lifetime);
        return monotonic > wall ? monotonic : wall;
    }
}
