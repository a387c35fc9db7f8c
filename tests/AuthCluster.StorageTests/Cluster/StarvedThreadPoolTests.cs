using AuthCluster.Storage;
using AuthCluster.Storage.Cluster;
using AuthCluster.Storage.Keys;

namespace AuthCluster.StorageTests.Cluster;

/// <summary>These take all threads of the pool, which other tests need.</summary>
[CollectionDefinition(nameof(StarvedThreadPoolTests), DisableParallelization = true)]
[Collection(nameof(StarvedThreadPoolTests))]
public sealed class StarvedThreadPoolTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public async Task A_thread_of_its_own_reads_while_the_pool_has_no_thread_left(StorageProvider provider)
    {
        await using var under = await DatabaseUnderTest.CreateAsync(provider);
        var stored = await new KeyMaterialStore(under.Database).InitialiseAsync([Samples.SigningKey("k")], Samples.Pepper("p"), Samples.Now, Cancel);
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        using var connection = fence.Open();

        var reading = WhileThePoolIsStarved(() => fence.Read(connection, 3));

        Assert.Equal(stored.Floor, reading!.Floor);
    }

    [Fact]
    public async Task A_reading_that_waits_for_a_lock_ends_at_its_time_out_while_the_pool_has_no_thread_left()
    {
        await using var under = await DatabaseUnderTest.CreateAsync(StorageProvider.PostgreSql);
        await using var other = await under.Database.OpenAsync(Cancel);
        await using var change = await other.BeginTransactionAsync(Cancel);
        await Database.ExecuteAsync(other, change, "lock table key_ring in access exclusive mode", null, Cancel);
        var fence = new FenceStore(under.Database, Membership.ClusterId);
        using var connection = fence.Open();

        var failure = WhileThePoolIsStarved(() => Assert.ThrowsAny<Exception>(() => fence.Read(connection, 1)));

        Assert.True(StorageFaults.IsUnavailable(failure), $"{failure}");
    }

    private static T WhileThePoolIsStarved<T>(Func<T> work)
    {
        ThreadPool.GetMinThreads(out var min, out var minPorts);
        ThreadPool.GetMaxThreads(out var max, out var maxPorts);
        var threads = Environment.ProcessorCount;
        // Not disposed: where the test fails, threads of the pool still use them.
        var release = new ManualResetEventSlim();
        var blocked = new CountdownEvent(threads - (Thread.CurrentThread.IsThreadPoolThread ? 1 : 0));
        var later = new ManualResetEventSlim();
        var (result, failure, ranLater) = (default(T), (Exception?)null, true);
        try
        {
            Assert.True(ThreadPool.SetMinThreads(threads, minPorts) && ThreadPool.SetMaxThreads(threads, maxPorts));
            for (var thread = blocked.CurrentCount; thread > 0; thread--)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        blocked.Signal();
                        release.Wait();
                    },
                    null);
            }

            Assert.True(blocked.Wait(Patience), "The pool still has threads.");
            ThreadPool.UnsafeQueueUserWorkItem(_ => later.Set(), null);

            var own = new Thread(() =>
            {
                try
                {
                    result = work();
                }
                catch (Exception e)
                {
                    failure = e;
                }

                ranLater = later.IsSet;
            });
            own.Start();
            Assert.True(own.Join(Patience), "The work waits for a thread of the pool.");
        }
        finally
        {
            release.Set();
            ThreadPool.SetMaxThreads(max, maxPorts);
            ThreadPool.SetMinThreads(min, minPorts);
        }

        Assert.True(later.Wait(Patience));
        Assert.Null(failure);
        Assert.False(ranLater, "The pool had a thread left.");
        return result!;
    }
}
