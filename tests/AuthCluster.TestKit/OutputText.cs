using System.Text;

namespace AuthCluster.TestKit;

/// <summary>What a process prints on several streams, kept in the order of arrival; safe to read while it grows.</summary>
internal sealed class OutputText
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();

    /// <summary>The whole output so far.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
            {
                return _text.ToString();
            }
        }
    }

    /// <summary>The number of characters so far.</summary>
    public int Length
    {
        get
        {
            lock (_gate)
            {
                return _text.Length;
            }
        }
    }

    /// <summary>Reads a stream, whole lines at a time, until it ends.</summary>
    public async Task PumpAsync(StreamReader stream)
    {
        while (await stream.ReadLineAsync() is { } line)
        {
            lock (_gate)
            {
                _text.AppendLine(line);
            }
        }
    }
}
