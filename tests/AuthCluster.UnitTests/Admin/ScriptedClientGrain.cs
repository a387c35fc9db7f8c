using System.Reflection;
using AuthCluster.Contracts.Clients;
using AuthCluster.Web.Admin;
using AuthCluster.Web.GrainCalls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.UnitTests.Admin;

/// <summary>A client's grain whose answers a test writes, by the name of the method.</summary>
#pragma warning disable CA1852 // A dispatch proxy derives from it.
internal class ScriptedClientGrain : DispatchProxy
#pragma warning restore CA1852
{
    /// <summary>The answer of each method, by the name of the method. A call of a method without an answer throws.</summary>
    public Dictionary<string, Func<object?, Task>> Answers { get; } = new(StringComparer.Ordinal);

    /// <summary>The names of the methods that were called.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Creates a grain.</summary>
    public static ScriptedClientGrain Create() => (ScriptedClientGrain)(object)Create<IClientGrain, ScriptedClientGrain>();

    /// <summary>The calls of the admin API, all of which go to this grain.</summary>
    public AdminGrains Grains(FakeTimeProvider clock, CallTimeouts? timeouts = null)
    {
        var grains = Create<IGrainFactory, OneGrain>();
        ((OneGrain)(object)grains).Grain = this;
        var meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>();
        var retry = new CallRetry(new CallMetrics(meters), clock, NullLogger<CallRetry>.Instance);
        return new AdminGrains(grains, retry, timeouts ?? CallTimeouts.ForSilo);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        Calls.Add(targetMethod!.Name);
        return Answers[targetMethod.Name](args![0]);
    }

#pragma warning disable CA1852 // As above.
    private class OneGrain : DispatchProxy
#pragma warning restore CA1852
    {
        public object? Grain { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Grain;
    }
}
