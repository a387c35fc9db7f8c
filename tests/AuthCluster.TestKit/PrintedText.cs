using System.Text;

namespace AuthCluster.TestKit;

/// <summary>What a program prints on its streams, kept in the order of arrival; safe to read while it grows.</summary>
public sealed class PrintedText : TextWriter
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();

    /// <inheritdoc/>
    public override Encoding Encoding => Encoding.UTF8;

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

    /// <inheritdoc/>
    public override void Write(char value) => Append(value.ToString());

    /// <inheritdoc/>
    public override void Write(string? value) => Append(value);

    /// <summary>Reads the output stream of another process, whole lines at a time, until it ends.</summary>
    public async Task PumpAsync(StreamReader stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        while (await stream.ReadLineAsync() is { } line)
        {
            Append(line + NewLine);
        }
    }

    /// <summary>The whole text so far.</summary>
    public override string ToString()
    {
        lock (_gate)
        {
            return _text.ToString();
        }
    }

    private void Append(string? text)
    {
        lock (_gate)
        {
            _text.Append(text);
        }
    }
}
