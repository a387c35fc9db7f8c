using AuthCluster.Contracts.Clients;

namespace AuthCluster.Grains.Changes;

/// <summary>
/// The last changes of one client that are stored, or may be, and that were not answered as such. The same call again confirms one of them although it
/// names an old ETag; any other call with an old ETag is refused, also one that was answered before.
/// </summary>
internal sealed class DoubtedChanges
{
    private const int Max = 8;

    private readonly List<string> _asked = [];

    /// <summary>The change; or, for the repeat of a call that was answered, that its ETag is an old one.</summary>
    public Change Judge(Change change) => change.IsRepeat && !_asked.Contains(change.Asked!) ? new Change(ClientOutcome.Stale) : change;

    /// <summary>Notes how a change was answered.</summary>
    /// <param name="change">The change.</param>
    /// <param name="isDoubted">Whether it was answered that it may not hold everywhere, or may not be stored.</param>
    public void Note(Change change, bool isDoubted)
    {
        if (change.Asked is not { } asked)
        {
            return;
        }

        _asked.Remove(asked);
        if (isDoubted)
        {
            _asked.Add(asked);
        }

        if (_asked.Count > Max)
        {
            _asked.RemoveAt(0);
        }
    }
}
