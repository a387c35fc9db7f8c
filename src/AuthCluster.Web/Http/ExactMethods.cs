using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace AuthCluster.Web.Http;

/// <summary>Methods are case-sensitive (RFC 9110 section 9.1), but routing and <see cref="HttpMethods"/> compare them without regard to case.</summary>
public static class ExactMethods
{
    /// <summary>Renames a method that differs from a known one by case alone, so that no endpoint takes it for that one. Goes before routing.</summary>
    public static IApplicationBuilder UseExactMethods(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var method = context.Request.Method;
        if (!string.Equals(HttpMethods.GetCanonicalizedValue(method), method, StringComparison.Ordinal))
        {
            context.Request.Method = "not-" + method;
        }

        return next(context);
    });
}
