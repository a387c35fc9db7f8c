namespace AuthCluster.Client.Clients;

/// <summary>
/// Reads the body inside the attempt: else a body that trickles, or breaks off, would be past the reach of the attempt's
/// time-out and of the repeats.
/// </summary>
internal sealed class WholeAnswerHandler : DelegatingHandler
{
    private const long MaxBodyBytes = 16 * 1024 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        await response.Content.LoadIntoBufferAsync(MaxBodyBytes, cancellationToken);
        return response;
    }
}
