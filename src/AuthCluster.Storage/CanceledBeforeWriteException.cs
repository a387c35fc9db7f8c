namespace AuthCluster.Storage;

/// <summary>A storage operation was cancelled before anything could be written: its outcome is known.</summary>
public sealed class CanceledBeforeWriteException : OperationCanceledException
{
    /// <summary>One without a message of its own.</summary>
    public CanceledBeforeWriteException()
        : base("The operation was cancelled before anything was written.")
    {
    }

    /// <summary>One with a sentence that says what was waited for.</summary>
    public CanceledBeforeWriteException(string message)
        : base(message)
    {
    }

    /// <summary>One with a sentence that says what was waited for, and the cancellation itself.</summary>
    public CanceledBeforeWriteException(string message, Exception? innerException)
        : base(message, innerException, (innerException as OperationCanceledException)?.CancellationToken ?? CancellationToken.None)
    {
    }
}
