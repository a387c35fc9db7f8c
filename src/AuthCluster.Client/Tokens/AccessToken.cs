using System.Diagnostics;
using System.Text.Json.Serialization;

namespace AuthCluster.Client.Tokens;

/// <summary>An access token. Its value is in <see cref="Value"/> alone: <see cref="ToString"/>, the debugger and JSON don't show it.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class AccessToken
{
    internal AccessToken(TokenTarget target, string value, string scope, TimeSpan lifetime, DateTimeOffset requestedAt, long requestedAtTimestamp)
    {
        Target = target;
        Value = value;
        Scope = scope;
        ExpiresAt = requestedAt + lifetime;
        Lifetime = lifetime;
        RequestedAt = requestedAtTimestamp;
        RenewAfter = TokenSchedule.RenewAfter(lifetime);
    }

    /// <summary>What goes behind <c>Bearer </c> (RFC 6750 §2.1).</summary>
    [JsonIgnore]
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public string Value { get; }

    /// <summary>What it was asked for.</summary>
    public TokenTarget Target { get; }

    /// <summary>The granted scopes, space separated; they may be others than those asked for.</summary>
    public string Scope { get; }

    /// <summary>When it ends, by this machine's clock and counted from before it was asked for, so rather too early than too late.</summary>
    public DateTimeOffset ExpiresAt { get; }

    internal TimeSpan Lifetime { get; }

    internal long RequestedAt { get; }

    internal TimeSpan RenewAfter { get; }

    internal bool IsDue(TimeProvider clock) => TokenSchedule.Age(this, clock) >= RenewAfter;

    internal bool IsUsable(TimeProvider clock) => TokenSchedule.Age(this, clock) < TokenSchedule.UsableFor(Lifetime);

    /// <summary>Scope and end, not the token.</summary>
    public override string ToString() => $"AccessToken(scope: '{Scope}', expires: {ExpiresAt:u})";
}
