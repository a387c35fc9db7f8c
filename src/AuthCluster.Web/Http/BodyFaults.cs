using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Http;

/// <summary>What a body that can't be read gets. The OAuth endpoints and the admin API have answers of their own for the same faults.</summary>
internal static class BodyFaults
{
    /// <summary>How long a body may take to arrive.</summary>
    public static readonly TimeSpan MaxBodyWait = TimeSpan.FromSeconds(30);

    /// <summary>The answer for a body that Kestrel refused.</summary>
    /// <param name="fault">What Kestrel says of the body.</param>
    /// <param name="tooLarge">The answer for one that is too large.</param>
    /// <param name="notReceived">The answer for one that came too slowly.</param>
    /// <param name="malformed">The answer for any other, also for one that ended too soon.</param>
    public static T AnswerTo<T>(BadHttpRequestException fault, T tooLarge, T notReceived, T malformed) => fault.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => tooLarge,
        StatusCodes.Status408RequestTimeout => notReceived,
        _ => malformed,
    };
}
