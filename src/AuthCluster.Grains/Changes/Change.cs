using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Changes;

/// <summary>What a command makes of a client: a new state with what the audit says of it, or an outcome without a change.</summary>
/// <param name="Outcome">How the command ends.</param>
internal sealed record Change(ClientOutcome Outcome)
{
    /// <summary>The new state, before it is stamped; null when nothing changes.</summary>
    public ClientState? Next { get; init; }

    /// <summary>What the audit says, the command's own action first.</summary>
    public ImmutableArray<AuditedAction> Actions { get; init; } = [];

    /// <summary>Whether every token that the client has ends with this change.</summary>
    public bool EndsTokens { get; init; }

    /// <summary>The ETag that the client has after this, or had when this was made before.</summary>
    public string? ETag { get; init; }

    /// <summary>What is wrong with the document that a patch would give.</summary>
    public ImmutableArray<FieldProblem> Problems { get; init; } = [];

    /// <summary>A change of the state.</summary>
    public static Change To(ClientState next, params ImmutableArray<AuditedAction> actions) =>
        new(ClientOutcome.Done) { Next = next, Actions = actions };
}

/// <summary>One action in the audit, with what it was done to before and after.</summary>
internal sealed record AuditedAction(string Action, JsonElement? Before, JsonElement? After);

/// <summary>The time of a change.</summary>
/// <param name="Now">What the silo's clock shows.</param>
/// <param name="IsSteady">Whether the clock has run on undisturbed for long enough that something may be forgotten by it.</param>
internal readonly record struct ChangeTime(DateTimeOffset Now, bool IsSteady);
