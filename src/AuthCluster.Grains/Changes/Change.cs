using System.Collections.Immutable;
using System.Text.Json;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.StoredState;

namespace AuthCluster.Grains.Changes;

/// <summary>What a command makes of a client: a new state with its audit entries, or an outcome without a change.</summary>
/// <param name="Outcome">How the command ends.</param>
internal sealed record Change(ClientOutcome Outcome)
{
    /// <summary>The new state, before it is stamped; null when nothing changes.</summary>
    public ClientState? Next { get; init; }

    /// <summary>The actions for the audit, the command's own first.</summary>
    public ImmutableArray<AuditedAction> Actions { get; init; } = [];

    /// <summary>Whether this change ends every token of the client.</summary>
    public bool EndsTokens { get; init; }

    /// <summary>The ETag of the client after this change; for a repeated command, the ETag after the first time.</summary>
    public string? ETag { get; init; }

    /// <summary>Who asked for what, as <see cref="AskedChange"/> has it; null for a change that is another one when it is asked for again.</summary>
    public string? Asked { get; init; }

    /// <summary>Whether the state is what an earlier call made that asked for the same, of the ETag that this one names.</summary>
    public bool IsRepeat { get; init; }

    /// <summary>
    /// Whether the row has to hold on every silo before the answer: after a change, and where an earlier call may have made it, whose answer was lost or
    /// could not confirm it.
    /// </summary>
    public bool MustHold { get; init; } = Outcome == ClientOutcome.Done;

    /// <summary>The version of the stored row that has to hold on every silo; null when none has to, or when there was no row before.</summary>
    public long? StoredVersion { get; init; }

    /// <summary>What is wrong with the document that results from a patch.</summary>
    public ImmutableArray<FieldProblem> Problems { get; init; } = [];

    /// <summary>What is to be deleted is not there any more.</summary>
    public static Change Gone { get; } = new(ClientOutcome.NotFound) { MustHold = true };

    /// <summary>A change of the state.</summary>
    public static Change To(ClientState next, params ImmutableArray<AuditedAction> actions) =>
        new(ClientOutcome.Done) { Next = next, Actions = actions };
}

/// <summary>One action in the audit, with its object before and after.</summary>
internal sealed record AuditedAction(string Action, JsonElement? Before, JsonElement? After);

/// <summary>The time of a change.</summary>
/// <param name="Now">The time by the silo's clock.</param>
/// <param name="IsSteady">Whether the clock has run undisturbed for so long that old memories may be dropped by it.</param>
internal readonly record struct ChangeTime(DateTimeOffset Now, bool IsSteady);
