using Microsoft.Extensions.Hosting;

namespace AuthCluster.Client.Revocation;

/// <summary>Follows a feed as long as the application runs.</summary>
internal sealed class RevocationFeedFollower(RevocationFeed feed) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => feed.FollowAsync(stoppingToken);
}
