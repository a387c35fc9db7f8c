using AuthCluster.Grains.Limits;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;

namespace AuthCluster.GrainTests.Limits;

/// <summary>How a write of the row ends in a test.</summary>
internal enum WriteEnd
{
    Done,
    Refused,
    LostUnseen,
    DoneUnseen,
}

/// <summary>A client's row with the activations that hold permits of its quota, without grains and storage around them.</summary>
internal sealed class QuotaRow(DateTimeOffset now)
{
    /// <summary>Middle of the time in which permits of the next period are reserved.</summary>
    private const double Spread = 0.5;

    public ClientQuota? Quota { get; private set; }

    public ClientState State { get; private set; } = new();

    public DateTimeOffset Now { get; set; } = now;

    /// <summary>Whether the clock is known to be right.</summary>
    public bool IsRight { get; set; }

    private int _version;

    public Activation Activate()
    {
        var activation = new Activation(this);
        activation.Load();
        return activation;
    }

    /// <summary>One activation: what it holds, and the row as it knows it.</summary>
    internal sealed class Activation(QuotaRow row)
    {
        private readonly QuotaPermits _permits = new(Spread);
        private ClientState _known = new();
        private int _version = -1;

        public bool HoldsNothing => !_permits.HasUnsavedState;

        /// <summary>What is left of the quota, in the period of the clock.</summary>
        public long Remaining
        {
            get
            {
                _permits.WantsWrite(row.Now);
                return _permits.Remaining;
            }
        }

        public bool WantsWrite => _permits.WantsWrite(row.Now);

        public void Load()
        {
            (_known, _version) = (row.State, row._version);
            _permits.Load(row.Quota, _known, row.Now);
        }

        /// <summary>Asks for one token, as a caller that waits does.</summary>
        public bool Spend()
        {
            var outcome = _permits.Spend(row.Now);
            if (outcome == QuotaOutcome.NothingHeld)
            {
                Refill();
                outcome = _permits.Spend(row.Now);
            }

            return outcome == QuotaOutcome.Spent;
        }

        public QuotaOutcome SpendAtOnce() => _permits.Spend(row.Now);

        public void Refill(WriteEnd end = WriteEnd.Done, Action? meanwhile = null) =>
            Write(state => _permits.Refill(state, row.Now, row.IsRight), row.Quota, end, meanwhile);

        public void Change(ClientQuota? quota, WriteEnd end = WriteEnd.Done, Action? meanwhile = null) =>
            Write(state => _permits.FitToQuota(state with { Revision = state.Revision + 1 }, quota, row.Now), quota, end, meanwhile);

        public void SignOff() => Write(_permits.Release, row.Quota, WriteEnd.Done, null);

        private void Write(Func<ClientState, ClientState?> change, ClientQuota? quota, WriteEnd end, Action? meanwhile)
        {
            while (change(_known) is { } next)
            {
                if (_version != row._version)
                {
                    _permits.WriteEnded(RecordOutcome.Conflict);
                    Load();
                    continue;
                }

                meanwhile?.Invoke();
                if (end is WriteEnd.Done or WriteEnd.DoneUnseen)
                {
                    row.State = next;
                    row.Quota = quota;
                    row._version++;
                }

                _permits.WriteEnded(end switch
                {
                    WriteEnd.Done => RecordOutcome.Done,
                    WriteEnd.Refused => RecordOutcome.Unavailable,
                    _ => RecordOutcome.Unknown,
                });
                if (end != WriteEnd.Refused)
                {
                    Load();
                }

                return;
            }
        }
    }
}
