namespace AuthCluster.GrainTests.Parts;

/// <summary>Runs a test as an activation runs its calls: one turn at a time, and each continuation of awaited work in a turn of its own.</summary>
internal static class ActivationTurns
{
    public static Task RunAsync(Func<Task> test) =>
        Task.Factory.StartNew(
            test,
            TestContext.Current.CancellationToken,
            TaskCreationOptions.DenyChildAttach,
            new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default).ExclusiveScheduler).Unwrap();
}
