using System.Collections.Concurrent;
using AuthCluster.Storage;
using Orleans.Storage;

namespace AuthCluster.GrainTests.Cluster;

/// <summary>Which failures the rows of which grains have.</summary>
public sealed class StorageFailures
{
    private readonly ConcurrentDictionary<string, Failure> _byKey = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Func<Task>> _held = new(StringComparer.Ordinal);

    /// <summary>What a test does once the row of a client is written, before the next writer has its turn.</summary>
    public ConcurrentDictionary<string, Action> WhenWritten { get; } = new(StringComparer.Ordinal);

    /// <summary>How often the row of a client was written.</summary>
    public ConcurrentDictionary<string, int> Writes { get; } = new(StringComparer.Ordinal);

    /// <summary>Gives a client's row a failure from now on.</summary>
    public void Of(string clientId, Failure failure) => _byKey["c:" + clientId] = failure;

    /// <summary>Ends the failure of a client's row.</summary>
    public void End(string clientId) => _byKey.TryRemove("c:" + clientId, out _);

    /// <summary>Lets the last write of a client's row that was held on its way arrive. Returns whether the row took it.</summary>
    public async Task<bool> LandAsync(string clientId)
    {
        Assert.True(_held.TryRemove("c:" + clientId, out var write));
        try
        {
            await write();
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }

    internal void Hold(GrainId grain, Func<Task> write) => _held[grain.Key.ToString()!] = write;

    internal Failure Of(GrainId grain) => _byKey.GetValueOrDefault(grain.Key.ToString()!);
}

/// <summary>What goes wrong.</summary>
public enum Failure
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The database can't be reached: nothing is read or written.</summary>
    Down,

    /// <summary>The next write is done, and from then on nothing is read or written.</summary>
    DownAfterWrite,

    /// <summary>The write is done, and its answer is lost; reads go on.</summary>
    AnswerLost,

    /// <summary>The write is done and its answer is lost, and then nothing can be read.</summary>
    AnswerLostThenDown,

    /// <summary>The write is not done, but its caller can't know; reads go on.</summary>
    LostOnTheWay,

    /// <summary>The write gets no answer and is done later, when the test lets it; reads go on.</summary>
    LandsLater,
}

/// <summary>Orleans' grain storage with failures on the way.</summary>
internal sealed class FailingStorage(IGrainStorage inner, StorageFailures failures) : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle lifecycle) => (inner as ILifecycleParticipant<ISiloLifecycle>)?.Participate(lifecycle);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        failures.Of(grainId) is Failure.Down or Failure.AnswerLostThenDown
            ? throw new StorageUnavailableException("The database could not be reached.")
            : inner.ReadStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var failure = failures.Of(grainId);
        switch (failure)
        {
            case Failure.Down:
                throw new StorageUnavailableException("The database could not be reached.");
            case Failure.LostOnTheWay:
                throw new TimeoutException();
            case Failure.LandsLater:
                var written = new GrainState<T>(grainState.State, grainState.ETag);
                failures.Hold(grainId, () => inner.WriteStateAsync(stateName, grainId, written));
                throw new TimeoutException();
        }

        failures.Writes.AddOrUpdate(grainId.Key.ToString()!, 1, (_, count) => count + 1);
        await inner.WriteStateAsync(stateName, grainId, grainState);
        if (failures.WhenWritten.TryRemove(grainId.Key.ToString()!, out var then))
        {
            then();
        }

        if (failure == Failure.DownAfterWrite)
        {
            failures.Of(grainId.Key.ToString()![2..], Failure.Down);
        }

        if (failure is Failure.AnswerLost or Failure.AnswerLostThenDown)
        {
            throw new TimeoutException();
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ClearStateAsync(stateName, grainId, grainState);
}
