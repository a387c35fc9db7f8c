using AuthCluster.Grains.Time;

namespace AuthCluster.GrainTests.Time;

public sealed class SharedRunsTests
{
    [Fact]
    public async Task All_who_call_while_a_run_is_under_way_share_the_next_and_none_gets_the_result_of_one_that_began_before()
    {
        var runs = new SharedRuns<int>();
        var began = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        var count = 0;
        var first = runs.NextAsync(RunAsync);
        await began.Task;

        var later = Enumerable.Range(0, 100).Select(_ => runs.NextAsync(RunAsync)).ToList();
        end.SetResult();

        Assert.Equal(1, await first);
        Assert.All(await Task.WhenAll(later), run => Assert.Equal(2, run));

        async Task<int> RunAsync()
        {
            var run = ++count;
            began.TrySetResult();
            await end.Task;
            return run;
        }
    }
}
