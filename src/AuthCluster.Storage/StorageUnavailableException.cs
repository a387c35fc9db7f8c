namespace AuthCluster.Storage;

/// <summary>
/// The database could not be reached, did not answer, or is not asked at the moment because it did not answer just before.
/// Nothing was written, unless <see cref="OutcomeUnknown"/> says otherwise.
/// </summary>
public sealed class StorageUnavailableException : Exception
{
    /// <summary>One without a message of its own.</summary>
    public StorageUnavailableException()
        : base("The database could not be reached.")
    {
    }

    /// <summary>One with a sentence that says why.</summary>
    public StorageUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>One with a sentence that says why, and the driver's own exception.</summary>
    public StorageUnavailableException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the database was asked and gave no definite answer, so that nobody knows if it wrote.</summary>
    public bool OutcomeUnknown { get; init; }
}
