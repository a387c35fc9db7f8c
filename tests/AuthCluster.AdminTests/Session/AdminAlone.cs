using System.Reflection;
using AuthCluster.Protocol.Metadata;
using AuthCluster.Web;
using AuthCluster.Web.Admin;
using AuthCluster.Web.GrainCalls;
using AuthCluster.Web.Keys;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace AuthCluster.AdminTests.Session;

/// <summary>The admin API in this process without a silo, for tests that need no answer of a grain.</summary>
internal static class AdminAlone
{
    public static WebApplication Build(Action<WebApplicationBuilder>? change = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        Assert.True(IssuerUri.TryParse("http://localhost:8080", out var issuer, out _));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(CallTimeouts.ForSilo);
        builder.Services.AddSingleton(DispatchProxy.Create<IGrainFactory, NobodyAnswers>());
        builder.Services.AddAuthClusterWeb(issuer, new KeyRing(new byte[32]));
        builder.Services.AddAuthClusterAdmin(new AdminDefaults(3_600));
        change?.Invoke(builder);
        var app = builder.Build();
        app.MapAuthClusterAdmin();
        return app;
    }

#pragma warning disable CA1852 // A dispatch proxy derives from it.
    private class NobodyAnswers : DispatchProxy
#pragma warning restore CA1852
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new NotSupportedException();
    }
}
