namespace AuthCluster.Storage;

/// <summary>
/// The database could not be reached, did not answer, or is not asked at the moment because it did not answer just before.
/// Nothing was written, unless <see cref="OutcomeUnknown"/> says otherwise.
/// </summary>
/// <param name="message">A sentence that says why.</param>
/// <param name="innerException">The driver's own exception.</param>
public sealed class StorageUnavailableException(string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>Whether the database was asked and gave no definite answer, so that nobody knows if it wrote.</summary>
    public bool OutcomeUnknown { get; init; }
}
