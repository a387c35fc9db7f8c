using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Timers;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What a part needs of its grain: timers, which fire when the test says so.</summary>
internal sealed class TimersOfGrain : IGrainBase, ITimerRegistry
{
    private readonly List<Timer> _timers = [];

    public TimersOfGrain()
    {
        GrainContext = DispatchProxy.Create<IGrainContext, ContextWithServices>();
        ((ContextWithServices)GrainContext).Services = new ServiceCollection().AddSingleton<ITimerRegistry>(this).BuildServiceProvider();
    }

    public IGrainContext GrainContext { get; }

    /// <summary>The time to the first firing of each timer that was not ended.</summary>
    public IEnumerable<TimeSpan> Due => _timers.Select(timer => timer.DueTime);

    /// <summary>Fires each timer once.</summary>
    public async Task FireAsync()
    {
        foreach (var timer in _timers.ToList())
        {
            await timer.Callback();
        }
    }

    public IGrainTimer RegisterGrainTimer<TState>(
        IGrainContext grainContext, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        var timer = new Timer(() => callback(state, CancellationToken.None), options.DueTime, _timers);
        _timers.Add(timer);
        return timer;
    }

#pragma warning disable CS0618 // Of the interface.
    public IDisposable RegisterTimer(IGrainContext grainContext, Func<object?, Task> callback, object? state, TimeSpan dueTime, TimeSpan period) =>
#pragma warning restore CS0618
        throw new NotSupportedException();

    private sealed record Timer(Func<Task> Callback, TimeSpan DueTime, List<Timer> Timers) : IGrainTimer
    {
        public void Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => Timers.Remove(this);
    }

#pragma warning disable CA1852 // The proxy derives from it.
    internal class ContextWithServices : DispatchProxy
#pragma warning restore CA1852
    {
        public IServiceProvider? Services { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name == $"get_{nameof(IGrainContext.ActivationServices)}" ? Services : throw new NotSupportedException(targetMethod.Name);
    }
}
