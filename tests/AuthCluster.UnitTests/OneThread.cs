using System.Reflection;

namespace AuthCluster.UnitTests;

/// <summary>Runs the continuations of awaited work on the test's own thread, when the test says so.</summary>
internal sealed class OneThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _waiting = new();

    public static void Run(Action run) => Run(() =>
    {
        run();
        return true;
    });

    public static T Run<T>(Func<T> run)
    {
        var before = Current;
        SetSynchronizationContext(new OneThread());
        try
        {
            return run();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public static bool RunWhatWaits()
    {
        var waiting = ((OneThread)Current!)._waiting;
        while (waiting.TryDequeue(out var next))
        {
            next.Callback(next.State);
        }

        return true;
    }

    public override void Post(SendOrPostCallback d, object? state) => _waiting.Enqueue((d, state));
}

#pragma warning disable CA1852 // The proxy derives from it.
/// <summary>An interface whose every method gives the same answer.</summary>
internal class Scripted : DispatchProxy
#pragma warning restore CA1852
{
    public Func<object>? Answer { get; set; }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Answer!();
}
