using System.Globalization;
using AuthCluster.Grains.StoredState;
using Orleans.Storage;

namespace AuthCluster.GrainTests.Parts;

/// <summary>The row of one client in memory, with versions as a database has them.</summary>
internal sealed class RowTable : IGrainStorage
{
    private readonly Lock _lock = new();
    private (ClientState State, int Version)? _row;
    private int _version;
    private int _underWay;

    /// <summary>The row; null for none.</summary>
    public ClientState? Row
    {
        get
        {
            lock (_lock)
            {
                return _row?.State;
            }
        }
    }

    /// <summary>How often the row was asked for.</summary>
    public int Reads { get; private set; }

    /// <summary>How often the row was written.</summary>
    public int Writes { get; private set; }

    /// <summary>The most operations that were ever under way at once.</summary>
    public int MaxAtOnce { get; private set; }

    /// <summary>The barrier at which reads wait for the test; null for none.</summary>
    public Barrier? BeforeRead { get; set; }

    /// <summary>The barrier at which writes wait for the test; null for none.</summary>
    public Barrier? BeforeWrite { get; set; }

    /// <summary>What each read throws; null for nothing.</summary>
    public Exception? ReadFailure { get; set; }

    /// <summary>Writes the row as another activation does, or a restored backup.</summary>
    public void Set(ClientState? state)
    {
        lock (_lock)
        {
            _row = state is null ? null : (state, ++_version);
        }
    }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => RunAsync(BeforeRead, () =>
    {
        Reads++;
        if (ReadFailure is { } failure)
        {
            throw failure;
        }

        grainState.RecordExists = _row is not null;
        grainState.ETag = ETag!;
        if (_row is { } row)
        {
            grainState.State = (T)(object)row.State;
        }
    });

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => RunAsync(BeforeWrite, () =>
    {
        if (grainState.ETag != ETag)
        {
            throw new InconsistentStateException("Another version.", ETag, grainState.ETag);
        }

        Writes++;
        _row = ((ClientState)(object)grainState.State! with { Rows = null }, ++_version);
        grainState.ETag = ETag!;
        grainState.RecordExists = true;
    });

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();

    private string? ETag => _row?.Version.ToString(CultureInfo.InvariantCulture);

    private async Task RunAsync(Barrier? before, Action operation)
    {
        lock (_lock)
        {
            MaxAtOnce = Math.Max(MaxAtOnce, ++_underWay);
        }

        try
        {
            if (before is not null)
            {
                await before.PassAsync();
            }

            lock (_lock)
            {
                operation();
            }
        }
        finally
        {
            lock (_lock)
            {
                _underWay--;
            }
        }
    }
}

/// <summary>Holds up all who come until the test opens the barrier.</summary>
internal sealed class Barrier
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the first one waits at the barrier.</summary>
    public Task Reached => _reached.Task;

    public void Open() => _opened.TrySetResult();

    public Task PassAsync()
    {
        _reached.TrySetResult();
        return _opened.Task;
    }
}
