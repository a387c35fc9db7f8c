using AuthCluster.Fence;
using AuthCluster.Storage.Cluster;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AuthCluster.Grains.Fencing;

/// <summary>
/// Reads the membership, the version of the keys and the floor twice a second, which keeps up the silo's right to decide. Runs from before the silo
/// starts until after it has stopped, on a thread of its own.
/// </summary>
internal sealed partial class MandateKeeper : IHostedService, ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(3);

    private readonly SiloRights _rights;
    private readonly FreshReadings _readings;
    private readonly FenceDuties _duties;
    private readonly FenceMetrics _metrics;
    private readonly FenceSettings _settings;
    private readonly ILogger<MandateKeeper> _logger;
    private readonly ReadingThread _reader;
    private readonly AutoResetEvent _readNow = new(initialState: false);
    private volatile bool _isStopping;
    private Thread? _thread;
    private bool _hasLapsed;
    private Lapse? _lastLapse;
    private string _lastFailure = "";

    public MandateKeeper(
        ReadInThread read,
        SiloRights rights,
        FreshReadings readings,
        FenceDuties duties,
        FenceMetrics metrics,
        FenceSettings settings,
        ILogger<MandateKeeper> logger)
    {
        (_rights, _readings, _duties, _metrics, _settings, _logger) = (rights, readings, duties, metrics, settings, logger);
        _reader = new ReadingThread(read, () => rights.Now, (rows, began) => Take(rows, began));
    }

    /// <summary>Reads at once when the silo has become active, so that it need not wait for its right.</summary>
    public void Participate(ISiloLifecycle observer) =>
        observer.Subscribe(nameof(MandateKeeper), ServiceLifecycleStage.Active, _ =>
        {
            _readNow.Set();
            return Task.CompletedTask;
        });

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "Fence" };
        _thread.Start();
        return Task.CompletedTask;
    }

    /// <summary>Ends the right, after the silo has stopped, and says so to the others when the last lease has run out.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        _readNow.Set();
        _rights.Mandate.Stop();
        _thread?.Join(StopTimeout);
        await _duties.EndAsync(cancellationToken);
    }

    public void Dispose()
    {
        _reader.Dispose();
        _readNow.Dispose();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            var began = _rights.Now;
            ReadOnce(began);
            var left = _rights.Pace.ReadEvery - (_rights.Now - began);
            _readNow.WaitOne(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    private void ReadOnce(TimeSpan began)
    {
        if (_reader.Read(_rights.Pace.ReadTimeout, out var failure) is { } rows)
        {
            var reading = Take(rows, began);
            NoteReturn();
            _ = _duties.After(reading, () => _readNow.Set());
            _lastFailure = reading.View.IsActive(_rights.Mandate.Self) ? "" : "the membership does not call this silo active";
        }
        else
        {
            _lastFailure = failure is null ? "the database holds no keys" : $"the database did not answer: {failure.Message}";
            NoteReturn();
            NoteFailure(began);
            _rights.Look(failedBegan: began);
            _ = _duties.AfterFailure();
        }
    }

    private MembershipReading Take(FenceReading rows, TimeSpan began)
    {
        var reading = MembershipReading.Of(rows, began, _rights.Now, _rights.Mandate.Self, _settings.OutageGrace);
        _readings.Take(reading);
        _rights.Look(failedBegan: null);
        return reading;
    }

    /// <summary>Logs that a reading has given the right back: one of this thread, or one that another has made since.</summary>
    private void NoteReturn()
    {
        if (_rights.Mandate.LastLapse is not { } lapse || lapse == _lastLapse)
        {
            return;
        }

        _lastLapse = lapse;
        if (!_hasLapsed)
        {
            NoteLapse(lapse.Until - lapse.From);
        }

        LogDecidesAgain();
        _hasLapsed = false;
    }

    /// <summary>Takes a failed reading, and logs the loss of the right when that is found first.</summary>
    private void NoteFailure(TimeSpan began)
    {
        var (now, end) = (_rights.Now, _rights.Mandate.End);
        _rights.Mandate.ReadFailed(began);
        if (!_hasLapsed && !_isStopping && _rights.Mandate.LastGood is not null && end > TimeSpan.Zero && now >= end)
        {
            NoteLapse(now - end);
        }

        if (_hasLapsed && _rights.Mandate.MayDecide(now))
        {
            LogDecidesAgain();
            _hasLapsed = false;
        }
    }

    private void NoteLapse(TimeSpan lapse)
    {
        _metrics.Lapsed();
        LogLapsed(lapse, _lastFailure.Length > 0 ? _lastFailure : "the process did not run, or had no processor, in the meantime");
        _hasLapsed = true;
    }

    [LoggerMessage(1220, LogLevel.Warning, "This silo had no right to decide for {Lapse}, and decided nothing: {Cause}.")]
    private partial void LogLapsed(TimeSpan lapse, string cause);

    [LoggerMessage(1221, LogLevel.Information, "This silo may decide again.")]
    private partial void LogDecidesAgain();
}
