namespace AuthCluster.Storage;

/// <summary>A storage operation was cancelled before anything could be written: its outcome is known.</summary>
/// <param name="message">A sentence that says what was waited for.</param>
/// <param name="innerException">The cancellation itself.</param>
public sealed class CanceledBeforeWriteException(string message, OperationCanceledException innerException)
    : OperationCanceledException(message, innerException, innerException.CancellationToken);
