using Microsoft.Extensions.Hosting;

namespace AuthCluster.Client.Revocation;

/// <summary>Follows a feed as long as the application runs.</summary>
internal sealed class RevocationFeedFollower(RevocationFeed feed) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await feed.FollowAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application ends. A host that is disposed of without having been stopped would take this for a failure.
        }
    }
}
