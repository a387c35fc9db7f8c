using AuthCluster.Web.Admin;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.UnitTests.Admin;

/// <summary>What is answered to a change that is stored, by whether it holds on every node.</summary>
public sealed class StoredChangeTests
{
    private static readonly AdminAnswer Everywhere = new(201)
    {
        Body = "{}"u8.ToArray(),
        ETag = "2-a",
        Location = "/admin/v1/clients/orders",
        Headers = [("Other", "kept")],
    };

    [Fact]
    public void A_change_that_holds_everywhere_is_answered_as_it_is() =>
        Assert.Same(Everywhere, StoredChange.Answer(Everywhere, null));

    [Fact]
    public async Task A_change_that_may_not_hold_everywhere_has_another_status_and_two_more_headers_and_nothing_else()
    {
        var context = new DefaultHttpContext();
        context.Response.Body = new MemoryStream();

        await StoredChange.Answer(Everywhere, TimeSpan.FromSeconds(2)).ExecuteAsync(context);

        Assert.Equal(202, context.Response.StatusCode);
        Assert.Equal("no", context.Response.Headers["Holds-Everywhere"]);
        Assert.Equal("2", context.Response.Headers.RetryAfter);
        Assert.Equal("\"2-a\"", context.Response.Headers.ETag);
        Assert.Equal("/admin/v1/clients/orders", context.Response.Headers.Location);
        Assert.Equal("kept", context.Response.Headers["Other"]);
        Assert.Equal(2, context.Response.Body.Length);
    }

    [Theory]
    [InlineData(0, "5")]
    [InlineData(-1, "5")]
    [InlineData(0.2, "1")]
    [InlineData(1, "1")]
    [InlineData(3.1, "4")]
    [InlineData(10, "10")]
    [InlineData(600, "10")]
    public async Task The_caller_is_told_to_come_back_after_one_to_ten_seconds(double unconfirmedFor, string retryAfter)
    {
        var context = new DefaultHttpContext();

        await StoredChange.Answer(new AdminAnswer(204), TimeSpan.FromSeconds(unconfirmedFor)).ExecuteAsync(context);

        Assert.Equal(202, context.Response.StatusCode);
        Assert.Equal(retryAfter, context.Response.Headers.RetryAfter);
    }
}
