using System.Data.Common;
using AuthCluster.Storage.Cluster;

namespace AuthCluster.Grains.Fencing;

/// <summary>Reads the membership in the caller's thread.</summary>
/// <param name="connection">
/// By which to read; where it is null, one is opened. It stays the caller's, who disposes it and sets it to null after an exception.
/// </param>
internal delegate FenceReading? ReadInThread(ref DbConnection? connection);

/// <summary>
/// Reads the membership on a thread and a connection of its own, so that a process with a busy thread pool, or with connections that hang, does
/// not lose its right to decide.
/// </summary>
/// <remarks>
/// A driver may hold its thread for longer than a reading may take: it connects again to cancel the statement, and where the thread pool is starved, an
/// answer may come late. Such a thread is left to itself, the next reading gets another one, and an answer that comes late is taken by when it was asked for.
/// </remarks>
/// <param name="read">Reads.</param>
/// <param name="clock">The time on the monotonic clock.</param>
/// <param name="takeLate">Takes a reading that came late, with the time at which it began.</param>
internal sealed class ReadingThread(ReadInThread read, Func<TimeSpan> clock, Action<FenceReading, TimeSpan> takeLate) : IDisposable
{
    private const int MaxHanging = 4;
    private const int StatementSeconds = 1;

    private readonly List<Worker> _hanging = [];
    private Worker? _worker;

    /// <summary>How to read what a store holds.</summary>
    public static ReadInThread By(FenceStore store) => (ref connection) =>
    {
        connection ??= store.Open();
        return store.Read(connection, StatementSeconds);
    };

    /// <summary>Reads once.</summary>
    /// <param name="timeout">How long to wait for the answer.</param>
    /// <param name="failure">Why there is no reading.</param>
    /// <returns>The reading; null when the database did not answer in time, or answered with an error.</returns>
    public FenceReading? Read(TimeSpan timeout, out Exception? failure)
    {
        _hanging.RemoveAll(worker => worker.HasEnded);
        if (_worker is null)
        {
            if (_hanging.Count >= MaxHanging)
            {
                Thread.Sleep(timeout);
                failure = new TimeoutException("Earlier readings of the membership still hang.");
                return null;
            }

            _worker = new Worker(read, clock, takeLate);
        }

        if (_worker.TryRead(timeout, out var reading, out failure))
        {
            return reading;
        }

        _worker.Leave();
        _hanging.Add(_worker);
        _worker = null;
        failure = new TimeoutException("The membership was not read in time.");
        return null;
    }

    public void Dispose() => _worker?.Leave();

    /// <summary>One thread with its connection.</summary>
    private sealed class Worker
    {
        private readonly ReadInThread _read;
        private readonly Func<TimeSpan> _clock;
        private readonly Action<FenceReading, TimeSpan> _takeLate;
        private readonly object _gate = new();
        private bool _isAsked;
        private bool _isAnswered;
        private bool _isLeft;
        private FenceReading? _reading;
        private Exception? _failure;

        public Worker(ReadInThread read, Func<TimeSpan> clock, Action<FenceReading, TimeSpan> takeLate)
        {
            (_read, _clock, _takeLate) = (read, clock, takeLate);
            new Thread(Run) { IsBackground = true, Name = "Fence reading" }.Start();
        }

        public bool HasEnded { get; private set; }

        public bool TryRead(TimeSpan timeout, out FenceReading? reading, out Exception? failure)
        {
            lock (_gate)
            {
                _isAnswered = false;
                _isAsked = true;
                Monitor.PulseAll(_gate);
                var until = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
                while (!_isAnswered && until - Environment.TickCount64 is > 0 and var left)
                {
                    Monitor.Wait(_gate, TimeSpan.FromMilliseconds(left));
                }

                (reading, failure) = (_reading, _failure);
                return _isAnswered;
            }
        }

        public void Leave()
        {
            lock (_gate)
            {
                _isLeft = true;
                Monitor.PulseAll(_gate);
            }
        }

        private void Run()
        {
            DbConnection? connection = null;
            while (WaitForQuestion())
            {
                FenceReading? reading = null;
                Exception? failure = null;
                var began = _clock();
                try
                {
                    reading = _read(ref connection);
                }
#pragma warning disable CA1031 // Whatever a driver throws, the thread must go on: the reading has failed.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    failure = e;
                    Close(ref connection);
                }

                if (!Answer(reading, failure) && reading is not null)
                {
                    _takeLate(reading, began);
                }
            }

            Close(ref connection);
            HasEnded = true;
        }

        /// <summary>Closes a connection that may be broken.</summary>
        private static void Close(ref DbConnection? connection)
        {
            try
            {
                connection?.Dispose();
            }
#pragma warning disable CA1031 // A driver may fail to close what is broken. An exception that left this thread would end the process.
            catch (Exception)
#pragma warning restore CA1031
            {
            }

            connection = null;
        }

        private bool WaitForQuestion()
        {
            lock (_gate)
            {
                while (!_isAsked && !_isLeft)
                {
                    Monitor.Wait(_gate);
                }

                _isAsked = false;
                return !_isLeft;
            }
        }

        /// <summary>Answers whoever asked.</summary>
        /// <returns>False when nobody waits for the answer any more.</returns>
        private bool Answer(FenceReading? reading, Exception? failure)
        {
            lock (_gate)
            {
                (_reading, _failure) = (reading, failure);
                _isAnswered = true;
                Monitor.PulseAll(_gate);
                return !_isLeft;
            }
        }
    }
}
