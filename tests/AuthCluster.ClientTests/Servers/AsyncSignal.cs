namespace AuthCluster.ClientTests.Servers;

/// <summary>Counts events; each wait takes one.</summary>
internal sealed class AsyncSignal
{
    private readonly SemaphoreSlim _count = new(0);

    public void Set() => _count.Release();

    public Task WaitAsync() => _count.WaitAsync(TestContext.Current.CancellationToken);
}
