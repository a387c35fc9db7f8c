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
/// One write: it loads the row, stores the next one, reads the membership, and then does what the product's <see cref="FencedWrite"/> tells.
/// </summary>
internal sealed class SimWrite(World world, SimActivation activation, WriteCommand command)
{
    private const int MaxAttempts = 5;
    private static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    private readonly TimeSpan _deadline = activation.Silo.Now + Deadline;
    private readonly WriteKind _kind = command == WriteCommand.Claim ? WriteKind.Claim : WriteKind.Change;
    private SimActivation _activation = activation;
    private FencedWrite? _fenced;
    private SimVoids? _voids;
    private Membership? _earlyView;
    private bool _isStoring;
    private bool _awaitsReading;
    private int _attempt;
    private int _look;
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

    public void Begin()
    {
        if (Answer != WriteAnswer.None || _isStoring || _fenced is not null)
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
        else if (world.Mistake == Mistake.ReadingBegunBeforeTheReturn && _earlyView is null)
        {
            StartReading();
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

    public void OnRead(Membership view)
    {
        if (!_awaitsReading)
        {
            return;
        }

        _awaitsReading = false;
        if (_fenced is null)
        {
            _earlyView = view;
            Begin();
        }
        else
        {
            TakeView(view);
        }
    }

    public void OnReadFailed()
    {
        if (!_awaitsReading)
        {
            return;
        }

        _awaitsReading = false;
        if (_fenced is null)
        {
            Begin();
        }
        else
        {
            Follow(_fenced.ReadFailed(Silo.Now));
        }
    }

    /// <summary>Takes the acknowledgement of a silo.</summary>
    public void OnVoided(SimSilo silo, TimeSpan lease)
    {
        world.Faults.Strike(Silo);
        _fenced!.Acknowledged(silo.Process.Name, world.Mistake == Mistake.LeasesNotWaitedFor ? TimeSpan.Zero : lease, Silo.Now);
        world.Coverage.WaitsForLeases += lease > TimeSpan.Zero ? 1 : 0;
        if (world.Mistake == Mistake.MajorityOfAnswers)
        {
            _voids!.AcknowledgeForMinority(_fenced, silo);
        }

        if (Answer == WriteAnswer.None && _fenced.IsAcknowledged)
        {
            Look();
        }
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
        _fenced = new FencedWrite(Silo.Process.Name, _kind, _deadline, SimTimes.ForWrite(world.Mistake, _kind));
        _voids = new SimVoids(world, this);
        if (world.Mistake == Mistake.OldView)
        {
            TakeView(Silo.Mandate.Latest!);
        }
        else if (_earlyView is not null)
        {
            TakeView(_earlyView);
        }
        else
        {
            ReadAgain();
        }

        world.Faults.Strike(Silo);
    }

    private void ReadAgain() => Silo.Process.After(world.Random.Seconds(0.00002, 0.0003), this, static write => write.StartReading());

    private void StartReading()
    {
        _awaitsReading = true;
        Silo.Read(this);
    }

    private void TakeView(Membership fresh) => Follow(_fenced!.ReadReturned(_voids!.AsTheWriteSees(fresh, _kind), Silo.Now));

    private void Look()
    {
        if (Answer == WriteAnswer.None || Answer == WriteAnswer.GivenUp)
        {
            Follow(_fenced!.Look(_voids!.AsTheWriteSees(Silo.Mandate.Latest!, _kind), Silo.Now));
        }
    }

    private void Follow(WriteStep step)
    {
        if (step.Answer is { } answer)
        {
            Finish(answer);
            return;
        }

        var look = ++_look;
        if (step.Void.IsEmpty && !_voids!.HasView)
        {
            Silo.Process.After(step.LookAfter!.Value, this, static write => write.ReadAgain());
            return;
        }

        _voids!.Ask(_fenced!, step.Void);
        if (look == _look && step.LookAfter is { } wait)
        {
            Silo.Process.After(wait, (this, look), static later => later.Item1.LookIfLatest(later.look));
        }
    }

    private void LookIfLatest(int look)
    {
        if (look == _look)
        {
            Look();
        }
    }

    private void Finish(FenceAnswer answer)
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
        if (answer.Outcome == FenceOutcome.NotEverywhere)
        {
            _voids!.AskOn(_fenced!);
        }
    }

    private void Finish(WriteAnswer outcome, FenceAnswer? answer = null)
    {
        _look++;
        if (IsClaim)
        {
            _activation.ClaimIsOver();
        }

        if (Answer == WriteAnswer.None)
        {
            (Answer, AnsweredAt) = (outcome, world.Now);
            world.Trace?.Invoke($"{this} is answered: {outcome} {string.Join(", ", answer?.Unconfirmed ?? [])}");
            world.Judge.Answered(this, answer);
        }
    }
}
