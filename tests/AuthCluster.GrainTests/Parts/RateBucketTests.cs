using AuthCluster.Grains.Limits;
using AuthCluster.Grains.StoredState;
using AuthCluster.Protocol.Clients;
using Microsoft.Extensions.Time.Testing;

namespace AuthCluster.GrainTests.Parts;

/// <summary>Who may spend from the bucket of a client's rate limit, and from which level.</summary>
public sealed class RateBucketTests
{
    private const string Self = "this activation";
    private const string Other = "another activation";

    private static readonly ClientRateLimit TenASecond = new() { TokensPerSecond = 10, RegisteredBurst = 20, Enforce = true };

    private readonly FakeTimeProvider _clock = new(ClientInParts.Start);

    [Fact]
    public void A_client_without_a_limit_needs_no_claim_and_gets_no_decision()
    {
        var bucket = Loaded(limit: null, new ClientState());

        Assert.Equal((false, false), (bucket.MustBeClaimed, bucket.HasUnsavedState));
        Assert.Null(bucket.Decide());
    }

    [Fact]
    public void An_enforced_limit_must_be_claimed_before_it_is_spent_and_one_that_only_observes_need_not()
    {
        Assert.True(Loaded(TenASecond, new ClientState()).MustBeClaimed);
        Assert.False(Loaded(TenASecond with { Enforce = false }, new ClientState()).MustBeClaimed);
    }

    [Fact]
    public void A_claim_names_this_activation_in_the_row_and_takes_the_stored_level_away()
    {
        var claimed = Loaded(TenASecond, new ClientState { LimitLevel = 7 }).Claim(new ClientState { LimitLevel = 7 })!;

        Assert.Equal((Self, null), (claimed.LimitOwner, claimed.LimitLevel));
        Assert.Null(Loaded(TenASecond, claimed).Claim(claimed));
    }

    [Theory]
    [InlineData(null, null, 20)]
    [InlineData(null, 7.0, 7)]
    [InlineData(null, 99.0, 20)]
    [InlineData(Other, null, 0)]
    [InlineData(Other, 7.0, 0)]
    public void The_first_level_is_what_a_clean_end_stored_and_nothing_after_an_owner_that_stored_none(string? owner, double? level, int tokens)
    {
        var bucket = Loaded(TenASecond, new ClientState { LimitOwner = owner, LimitLevel = level });

        Assert.Equal(tokens, SpendAll(bucket));
    }

    [Fact]
    public void Every_interval_gives_one_token_up_to_the_burst()
    {
        var bucket = Owned(TenASecond);
        Assert.Equal(20, SpendAll(bucket));

        _clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Equal(0, SpendAll(bucket));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, SpendAll(bucket));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(20, SpendAll(bucket));
    }

    [Fact]
    public void A_changed_limit_keeps_the_level_up_to_the_new_burst()
    {
        var bucket = Owned(TenASecond);
        for (var i = 0; i < 5; i++)
        {
            bucket.Spend(bucket.Decide()!.Value);
        }

        bucket.Load(TenASecond with { RegisteredBurst = 1_000 }, Mine, Self);
        Assert.Equal(15, SpendAll(bucket));

        bucket = Owned(TenASecond);
        bucket.Load(TenASecond with { RegisteredBurst = 3 }, Mine, Self);
        Assert.Equal(3, SpendAll(bucket));
    }

    [Fact]
    public void A_row_that_names_another_owner_empties_the_bucket_that_this_activation_remembers()
    {
        var bucket = Owned(TenASecond);

        bucket.Load(TenASecond, new ClientState { LimitOwner = Other }, Self);

        Assert.True(bucket.MustBeClaimed);
        Assert.Equal(0, SpendAll(bucket));
    }

    [Fact]
    public void A_level_that_another_owner_has_spent_and_stored_meanwhile_counts_for_the_one_who_owned_the_bucket_before()
    {
        var bucket = Owned(TenASecond);

        bucket.Load(TenASecond, new ClientState { LimitLevel = 1 }, Self);
        bucket.Load(TenASecond, Mine, Self);
        Assert.True(bucket.Confirm());

        Assert.Equal(1, SpendAll(bucket));
    }

    [Fact]
    public void A_level_that_was_loaded_before_another_owner_spent_it_is_not_used()
    {
        var bucket = Loaded(TenASecond, new ClientState { LimitLevel = 20 });

        bucket.Load(TenASecond, new ClientState { LimitLevel = 2 }, Self);
        bucket.Load(TenASecond, Mine, Self);
        Assert.True(bucket.Confirm());

        Assert.Equal(2, SpendAll(bucket));
    }

    [Fact]
    public void A_bucket_that_another_activation_owned_is_empty_at_the_confirmation_whatever_time_that_took()
    {
        var bucket = Loaded(TenASecond, new ClientState { LimitOwner = Other });
        bucket.Load(TenASecond, Mine, Self);
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.True(bucket.MustBeClaimed);

        Assert.True(bucket.Confirm());

        Assert.Equal(0, SpendAll(bucket));
    }

    [Fact]
    public void The_level_is_given_back_to_the_row_by_its_owner_alone()
    {
        var bucket = Owned(TenASecond);
        bucket.Spend(bucket.Decide()!.Value);

        var released = bucket.Release(Mine);
        var others = new ClientState { LimitOwner = Other };

        Assert.Null(released.LimitOwner);
        Assert.Equal(19, released.LimitLevel!.Value, precision: 6);
        Assert.Same(others, bucket.Release(others));
    }

    private static ClientState Mine { get; } = new() { LimitOwner = Self };

    private RateBucket Owned(ClientRateLimit limit)
    {
        var bucket = Loaded(limit, new ClientState());
        bucket.Load(limit, Mine, Self);
        Assert.True(bucket.Confirm());
        return bucket;
    }

    private RateBucket Loaded(ClientRateLimit? limit, ClientState state)
    {
        var bucket = new RateBucket(_clock);
        bucket.Load(limit, state, Self);
        return bucket;
    }

    private static int SpendAll(RateBucket bucket)
    {
        var spent = 0;
        while (bucket.Decide() is { Allowed: true } allowed)
        {
            bucket.Spend(allowed);
            spent++;
        }

        return spent;
    }
}
