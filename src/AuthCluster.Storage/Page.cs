namespace AuthCluster.Storage;

/// <summary>Some of the rows of a list.</summary>
/// <typeparam name="T">A row.</typeparam>
/// <param name="Items">The rows, in the order of the list.</param>
/// <param name="Next">What to ask for the next page after; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
