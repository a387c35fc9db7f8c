namespace AuthCluster.ClusterTests.Fence;

/// <summary>The answer to one administrative write.</summary>
/// <param name="Sent">When the write was sent, by the caller's clock.</param>
/// <param name="Answered">When the answer was read.</param>
/// <param name="Status">The status code; 0 when there was no answer.</param>
/// <param name="HoldsEverywhere">The header <c>Holds-Everywhere</c>; null when there was none.</param>
/// <param name="RetryAfter">The header of that name; null when there was none.</param>
/// <param name="Body">The body, or the failure.</param>
internal sealed record WriteAnswer(TimeSpan Sent, TimeSpan Answered, int Status, string? HoldsEverywhere, TimeSpan? RetryAfter, string Body)
{
    /// <summary>The contract's 8 s, and what a busy machine of the tests may add on the way.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(8 + 2);

    public TimeSpan Took => Answered - Sent;

    /// <summary>Whether the answer promises that the write holds on every node.</summary>
    public bool IsEverywhere => Status is 200 or 201 or 204;

    /// <summary>Whether the write is stored, and may not hold on every node.</summary>
    public bool IsStoredOnly => Status == 202;

    public override string ToString() => $"{Status} sent at {Sent.TotalSeconds:f2} s, took {Took.TotalSeconds:f2} s {(IsEverywhere ? "" : Body)}";

    /// <summary>How many answers of each status there were, and how long they took, in one line.</summary>
    public static string Figures(string what, IReadOnlyList<WriteAnswer> answers)
    {
        var times = answers.Select(answer => answer.Took).Order().ToList();
        var statuses = string.Join(", ", answers.GroupBy(answer => answer.Status).OrderBy(group => group.Key).Select(group => $"{group.Count()} × {group.Key}"));
        return times.Count == 0
            ? $"{what}: no writes"
            : $"{what}: {statuses}; median {times[times.Count / 2].TotalMilliseconds:f0} ms, 99 % {times[(int)(times.Count * 0.99)].TotalMilliseconds:f0} ms, slowest {times[^1].TotalSeconds:f2} s";
    }
}
