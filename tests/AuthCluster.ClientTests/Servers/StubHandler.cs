namespace AuthCluster.ClientTests.Servers;

/// <summary>Stands in front of the network: a test decides what happens to each request.</summary>
internal sealed class StubHandler(Func<HttpRequestMessage, Task<HttpResponseMessage>?> answer) : DelegatingHandler
{
    private int _requests;

    public int Requests => Volatile.Read(ref _requests);

    /// <summary>What SocketsHttpHandler throws when a connection is not made within its ConnectTimeout.</summary>
    public static TaskCanceledException ConnectTimeout() =>
        new("A connection could not be established within the configured ConnectTimeout.", new TimeoutException("A connection could not be established within the configured ConnectTimeout."));

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        return answer(request) ?? base.SendAsync(request, cancellationToken);
    }
}
