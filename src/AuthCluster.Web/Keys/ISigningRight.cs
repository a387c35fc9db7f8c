namespace AuthCluster.Web.Keys;

/// <summary>
/// The right of this process to sign and to judge tokens by the keys that it holds. Without it the keys may be older than a change of them that
/// was answered elsewhere.
/// </summary>
/// <remarks>A silo has it while it may decide; a front end without a silo has it while its <see cref="KeyLease"/> lasts.</remarks>
public interface ISigningRight
{
    /// <summary>Whether the process has it at this moment. Each request asks, so it must cost no more than a comparison.</summary>
    bool Holds { get; }

    /// <summary>Waits until the process has it.</summary>
    /// <param name="within">How long to wait at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether the process has it now.</returns>
    ValueTask<bool> WaitAsync(TimeSpan within, CancellationToken cancellationToken);
}
