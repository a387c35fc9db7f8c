using AuthCluster.Fence;

namespace AuthCluster.FenceTests.Simulation;

internal enum WriteCommand
{
    Disable,
    Enable,
    Delete,
    Create,
    Claim,
}

internal enum WriteAnswer
{
    None,

    /// <summary>200: it holds everywhere.</summary>
    Everywhere,

    /// <summary>202: it holds, but for the silos that are named.</summary>
    NotEverywhere,

    /// <summary>503: it is not stored, or that is not known.</summary>
    Unknown,

    /// <summary>The administrator has stopped waiting.</summary>
    GivenUp,
}

/// <summary>
/// One write: it loads the row, stores the next one, and then lets <see cref="SimFencing"/> make it hold everywhere.
/// </summary>
internal sealed class SimWrite(World world, SimActivation activation, WriteCommand command)
{
    private const int MaxAttempts = 5;
    private static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    private readonly TimeSpan _deadline = activation.Silo.Now + Deadline;
    private SimActivation _activation = activation;
    private SimFencing? _fencing;
    private bool _isFencing;
    private bool _isStoring;
    private int _attempt;
    private TimeSpan _storeBegan;

    public SimSilo Silo { get; } = activation.Silo;

    public int Client { get; } = activation.Client;

    public bool IsClaim => command == WriteCommand.Claim;

    /// <summary>When it was asked for, on the world's clock.</summary>
    public TimeSpan BeganAt { get; } = world.Now;

    public WriteAnswer Answer { get; private set; }

    public TimeSpan AnsweredAt { get; private set; }

    public long Version { get; private set; }

    /// <summary>The number of the state that it made, as far as the writer knows; 0 for none.</summary>
    public int Commit { get; private set; }

    /// <summary>The number under which the database has stored it; 0 while it has not.</summary>
    public int StoredAs { get; set; }

    private SimFencing Fencing => _fencing ??= new SimFencing(world, this, _deadline);

    public void Begin()
    {
        if (Answer != WriteAnswer.None || _isStoring || _isFencing)
        {
            return;
        }

        if (Silo.Now > _deadline || !Silo.IsServing || (IsClaim && !_activation.IsOpen))
        {
            Finish(WriteAnswer.Unknown);
            return;
        }

        _activation = IsClaim ? _activation : Silo.Activation(Client, _activation.Slot);
        var readsAgain = world.Mistake == Mistake.NoChangeReadsAgain && _attempt == 0;
        if (!_activation.IsUsable || readsAgain)
        {
            _attempt += readsAgain ? 1 : 0;
            _activation.Load();
            Silo.Process.After(TimeSpan.FromSeconds(0.02), this, static write => write.Begin());
        }
        else if (Next(_activation.State) == _activation.State && !IsClaim && world.Mistake is Mistake.NoChangeStoresNothing or Mistake.NoChangeReadsAgain)
        {
            (Version, Commit) = (_activation.State.Version, _activation.State.Commit);
            BeginFence();
        }
        else if (world.Mistake == Mistake.ReadingBegunBeforeTheReturn && !Fencing.HasReading)
        {
            Fencing.ReadEarly();
        }
        else
        {
            Store();
        }
    }

    public void OnStored(int attempt, Row? stored)
    {
        world.Faults.Strike(Silo);
        if (!_isStoring || attempt != _attempt)
        {
            return;
        }

        _isStoring = false;
        if (stored is not { } row)
        {
            world.Coverage.LostSwaps++;
            _activation.Copy.Doubt();
            if (_attempt >= MaxAttempts)
            {
                Finish(WriteAnswer.Unknown);
                return;
            }

            Silo.Process.After(TimeSpan.FromSeconds(0.001), this, static write => write.Begin());
            return;
        }

        if (_activation.OnStored(row, _storeBegan) == WriteReturn.TooLate)
        {
            world.Coverage.UnknownOutcomes++;
            Finish(WriteAnswer.Unknown);
            return;
        }

        (Version, Commit) = (row.Version, row.Commit);
        if (IsClaim && world.Mistake == Mistake.ClaimUnconfirmed)
        {
            _activation.Confirm(Commit);
        }

        BeginFence();
    }

    /// <summary>Takes the answer of the fence.</summary>
    public void OnFenced(FenceAnswer answer)
    {
        if (IsClaim && answer.Outcome == FenceOutcome.Everywhere && world.Mistake != Mistake.ClaimUnconfirmed)
        {
            _activation.Confirm(Commit);
        }

        Finish(
            answer.Outcome switch
            {
                FenceOutcome.Everywhere => WriteAnswer.Everywhere,
                FenceOutcome.NotEverywhere => WriteAnswer.NotEverywhere,
                _ => WriteAnswer.Unknown,
            },
            answer);
    }

    /// <summary>The administrator waits no longer. The write may still go on.</summary>
    public void GiveUp()
    {
        if (Answer == WriteAnswer.None)
        {
            (Answer, AnsweredAt) = (WriteAnswer.GivenUp, world.Now);
        }
    }

    public override string ToString() => $"{command} of {World.ClientKeys[Client]} on {Silo} (begun {BeganAt.TotalSeconds:0.000}, version {Version}, commit {Commit})";

    private Row Next(Row row) => command switch
    {
        WriteCommand.Disable => row with { IsEnabled = false },
        WriteCommand.Delete => row with { Exists = false },
        WriteCommand.Create => row with { Exists = true, IsEnabled = true },
        WriteCommand.Enable => row with { IsEnabled = true },
        _ => row with { Owner = _activation.OwnerId },
    };

    private void Store()
    {
        if (world.Database.Refuses(Silo))
        {
            Finish(WriteAnswer.Unknown);
            return;
        }

        var known = _activation.State;
        var next = Next(known) with { Version = known.Version + 1 };
        if (world.Mistake == Mistake.NoTombstone && command is WriteCommand.Delete or WriteCommand.Create)
        {
            next = next with { Version = command == WriteCommand.Delete ? 0 : 1 };
        }

        _isStoring = true;
        _attempt++;
        _storeBegan = Silo.Now;
        world.Database.Store(this, _attempt, known, next);
        Silo.Process.After(StoreTimeout, (this, _attempt, next), static late => late.Item1.OnStoreTimeout(late._attempt, late.next));
    }

    private void OnStoreTimeout(int attempt, Row next)
    {
        if (!_isStoring || attempt != _attempt)
        {
            return;
        }

        _isStoring = false;
        world.Coverage.UnknownOutcomes++;
        if (world.Mistake == Mistake.UnknownTakenForSuccess)
        {
            (Version, Commit) = (next.Version, StoredAs);
            BeginFence();
            return;
        }

        _activation.Copy.Doubt();
        Finish(WriteAnswer.Unknown);
    }

    private void BeginFence()
    {
        _isFencing = true;
        Fencing.Begin();
        world.Faults.Strike(Silo);
    }

    private void Finish(WriteAnswer outcome, FenceAnswer? answer = null)
    {
        if (IsClaim)
        {
            _activation.ClaimIsOver();
        }

        if (Answer == WriteAnswer.None)
        {
            (Answer, AnsweredAt) = (outcome, world.Now);
            world.Trace?.Invoke($"{this} is answered: {outcome} {string.Join(", ", answer?.Unconfirmed ?? [])}");
            world.Judge.Answered(this, answer);
            world.Faults.Strike(Silo);
        }
    }
}
