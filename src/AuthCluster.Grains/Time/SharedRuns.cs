namespace AuthCluster.Grains.Time;

/// <summary>
/// Runs work for many callers, one run at a time. Each caller gets the result of a run that began after its call; all who call while one is under
/// way share the next.
/// </summary>
/// <typeparam name="T">The result of the work.</typeparam>
internal sealed class SharedRuns<T>
{
    private readonly Lock _lock = new();
    private Task _current = Task.CompletedTask;
    private Task<T>? _next;

    /// <summary>Waits for the next run.</summary>
    /// <param name="run">The work, the same for all callers. It tells of a failure by its result, and never by an exception.</param>
    public Task<T> NextAsync(Func<Task<T>> run)
    {
        lock (_lock)
        {
            return _next ??= AfterAsync(_current, run);
        }
    }

    private async Task<T> AfterAsync(Task current, Func<Task<T>> run)
    {
        await Task.Yield();
        await current;
        Task<T> mine;
        lock (_lock)
        {
            _next = null;
            _current = mine = run();
        }

        return await mine;
    }
}
