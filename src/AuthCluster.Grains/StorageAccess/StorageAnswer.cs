using System.Diagnostics.CodeAnalysis;

namespace AuthCluster.Grains.StorageAccess;

/// <summary>How an operation on storage ended, for a caller that must tell somebody.</summary>
internal enum StorageOutcome
{
    /// <summary>Read, or written.</summary>
    Done,

    /// <summary>Storage can't be asked now, or refused. Nothing was written.</summary>
    Unavailable,

    /// <summary>Storage was asked and gave no definite answer: whether it wrote is not known.</summary>
    Unknown,
}

/// <summary>What storage answered to a read.</summary>
/// <param name="Outcome">How the read ended.</param>
/// <param name="Value">What was read; the default unless the outcome is <see cref="StorageOutcome.Done"/>.</param>
internal readonly record struct StorageAnswer<T>(StorageOutcome Outcome, T? Value)
{
    /// <summary>The value, where storage gave one.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T value)
    {
        value = Value;
        return Outcome == StorageOutcome.Done;
    }

    /// <summary>The value, or another where storage gave none.</summary>
    public T Or(T other) => Outcome == StorageOutcome.Done ? Value! : other;
}
