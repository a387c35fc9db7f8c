using System.Collections.Concurrent;
using System.Text;

namespace AuthCluster.Server.Telemetry;

/// <summary>
/// A text writer that never makes its caller wait. Texts pass through a bounded queue to a thread of its own; while the queue is full,
/// texts are dropped and counted. So a stalled reader of the console does not stall the server.
/// </summary>
internal sealed class QueuedWriter : TextWriter
{
    /// <summary>Largest number of texts that wait to be written; a text is one event of the log.</summary>
    public const int MaxQueued = 2_500;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1);

    private readonly BlockingCollection<string> _queue = new(MaxQueued);
    private readonly Action<string> _write;
    private readonly Thread _thread;
    private long _dropped;

    /// <param name="target">Where the texts go.</param>
    /// <param name="clean">Changes each text before it is written, on the thread that writes.</param>
    public QueuedWriter(TextWriter target, Func<string, string> clean)
    {
        Encoding = target.Encoding;
        _write = text => target.Write(clean(text));
        _thread = new Thread(Pump) { IsBackground = true, Name = nameof(QueuedWriter) };
        _thread.Start();
    }

    public override Encoding Encoding { get; }

    /// <summary>How many texts were dropped since the start.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether nothing waits to be written.</summary>
    public bool IsDrained => _queue.Count == 0;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine(string? value) => Write(value + NewLine);

    public override void Write(string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        try
        {
            if (_queue.TryAdd(value))
            {
                return;
            }
        }
        catch (InvalidOperationException)
        {
            // The writer has ended.
        }

        Interlocked.Increment(ref _dropped);
    }

    /// <summary>Takes no more texts, and waits at most a second until the queue is written, so that a stalled reader does not delay a stop.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _queue.CompleteAdding();
            if (_thread.Join(MaxWait))
            {
                _queue.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private void Pump()
    {
        foreach (var text in _queue.GetConsumingEnumerable())
        {
            try
            {
                _write(text);
            }
#pragma warning disable CA1031 // An exception that leaves this thread ends the process, and a broken stream must not do that.
            catch (Exception)
#pragma warning restore CA1031
            {
                Interlocked.Increment(ref _dropped);
            }
        }
    }
}
