using AuthCluster.TestKit;

namespace AuthCluster.UnitTests.Layout;

/// <summary>An exception that leaves a background service ends the process, so only a service that the process needs may let one leave.</summary>
public sealed class BackgroundServiceTests
{
    /// <summary>The start itself; the borrower of the keys and the SDK's follower of the feed, whose loops have pauses of their own and catch everything.</summary>
    private static readonly string[] WithLoopsOfTheirOwn = ["Bootstrap.cs", "KeySnapshotFollower.cs", "RevocationFeedFollower.cs"];

    [Fact]
    public void A_background_service_repeats_its_work_by_ticks_which_no_exception_ends()
    {
        var services = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Select(path => (Name: Path.GetFileName(path), Text: File.ReadAllText(path)))
            .Where(file => file.Text.Contains(": BackgroundService", StringComparison.Ordinal))
            .ToList();

        Assert.Equal(WithLoopsOfTheirOwn, services.Where(file => !file.Text.Contains("new Ticks(", StringComparison.Ordinal)).Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.True(services.Count > WithLoopsOfTheirOwn.Length);
    }
}
