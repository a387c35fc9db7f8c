using System.IO.Pipelines;
using AuthCluster.Protocol.Requests;
using AuthCluster.Web.OAuth;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.OAuth;

/// <summary>A body that does not come: its sender gets an error while it is connected, and after that reading the body throws.</summary>
public sealed class FormBodyTests : IDisposable
{
    private const int MaxBytes = 100;

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly Pipe _pipe = new();
    private readonly DefaultHttpContext _context = new();

    public FormBodyTests()
    {
        _context.RequestAborted = _gone.Token;
        _context.Features.Set<IRequestBodyPipeFeature>(new Body(_pipe.Reader));
    }

    [Fact]
    public async Task A_body_that_never_comes_is_an_error()
    {
        var reading = FormBody.ReadAsync(_context.Request, MaxBytes, _clock).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(reading.IsCompleted);

        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Same(OAuthError.BodyNotReceived, (await reading).Error);
    }

    [Fact]
    public async Task A_body_that_can_not_be_read_while_its_sender_waits_is_an_error()
    {
        await _pipe.Writer.CompleteAsync(new IOException("The chunk size is no number."));

        Assert.Same(OAuthError.MalformedBody, (await FormBody.ReadAsync(_context.Request, MaxBytes, _clock)).Error);
    }

    [Fact]
    public async Task Reading_the_body_of_a_caller_who_has_gone_throws_so_that_no_handler_goes_on()
    {
        await _gone.CancelAsync();
        await _pipe.Writer.CompleteAsync(new IOException("The connection was reset."));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await FormBody.ReadAsync(_context.Request, MaxBytes, _clock));
    }

    [Fact]
    public async Task A_connection_that_is_reset_while_its_body_is_read_is_never_answered_also_before_the_request_is_cancelled()
    {
        await _pipe.Writer.CompleteAsync(new ConnectionResetException("Connection reset by peer"));

        var reading = FormBody.ReadAsync(_context.Request, MaxBytes, _clock).AsTask();
        Assert.False(reading.IsCompleted);
        await _gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    public void Dispose() => _gone.Dispose();

    private sealed class Body(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }
}
