using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AuthCluster.Contracts.Clients;
using AuthCluster.Grains.Changes;
using AuthCluster.Grains.StoredState;
using AuthCluster.Storage;
using CsCheck;
using static AuthCluster.GrainTests.Clients.TestClients;

namespace AuthCluster.GrainTests.Parts;

/// <summary>What is true of a client after any changes in any order.</summary>
public sealed class ChangeSequenceTests
{
    private static readonly Gen<(int What, int Number)[]> Steps = Gen.Select(Gen.Int[0, 10], Gen.Int[0, 999]).Array[0, 40];

    [Fact]
    public void The_etag_changes_exactly_when_the_administrators_view_of_a_client_changes() => Steps.Sample(
        steps =>
        {
            var client = new ChangedClient();
            var (ofETag, ofView) = (new Dictionary<string, string>(), new Dictionary<string, string>());
            foreach (var step in steps)
            {
                var before = client.State;
                var change = Take(client, step);

                // Only a change that is made now is stored, and not a refused one or a repeat.
                Assert.Equal(change.Next is null, ReferenceEquals(before, client.State));
                Assert.True(change.Next is null || change.Outcome == ClientOutcome.Done);
                if (client.View is { } view)
                {
                    Assert.Equal(view.ETag, client.State!.ETag);
                    var shown = JsonSerializer.Serialize(view with { ETag = "" });
                    Assert.Equal(shown, ofETag.GetValueOrDefault(view.ETag, shown));
                    Assert.Equal(view.ETag, ofView.GetValueOrDefault(shown, view.ETag));
                    (ofETag[view.ETag], ofView[shown]) = (shown, view.ETag);
                }
                else
                {
                    // A client that is created anew at the same moment may look like the deleted one, but has another ETag.
                    ofView.Clear();
                }
            }
        },
        iter: 300);

    [Fact]
    public void The_generation_never_falls_and_rises_by_one_with_each_change_that_ends_tokens() => Steps.Sample(
        steps =>
        {
            var client = new ChangedClient();
            foreach (var step in steps)
            {
                var before = client.State;
                var change = Take(client, step);

                Assert.Equal((before?.Generation ?? 0) + (change.EndsTokens ? 1 : 0), client.State?.Generation ?? 0);
                if (change.Next is not null)
                {
                    Assert.Equal((before?.Revision ?? 0) + 1, client.State!.Revision);
                    Assert.Equal(
                        change.EndsTokens ? [ChangedClient.Floor + client.State.Generation] : [], client.Rows.Revocations.Select(item => item.Gen));
                }

                // A change that disables or deletes an enabled client ends its tokens.
                Assert.True(change.EndsTokens || before is not { Enabled: true } || client.State is { Enabled: true });
            }
        },
        iter: 300);

    [Fact]
    public void A_deleted_client_leaves_nothing_but_its_counts_and_the_memory_of_its_changes()
    {
        var tombstones = 0;
        Steps.Sample(
            steps =>
            {
                var client = new ChangedClient();
                foreach (var step in steps)
                {
                    Take(client, step);
                    if (client.State is { Deleted: true } tombstone)
                    {
                        Interlocked.Increment(ref tombstones);
                        var row = JsonNode.Parse(new ClientStateSerializer(StorageProvider.Sqlite).Serialize(tombstone).ToArray())!.AsObject();
                        var left = row.Where(member => member.Value is not JsonArray { Count: 0 }).Select(member => member.Key);
                        Assert.Empty(left.Except(["deleted", "enabled", "revision", "generation", "createdAt", "updatedAt", "creations", "recent"]));
                        Assert.Equal((false, null), (tombstone.Enabled, client.View));
                    }
                }
            },
            iter: 200);

        Assert.NotEqual(0, tombstones);
    }

    [Fact]
    public void Each_change_is_told_to_the_audit_in_order_and_nothing_tells_of_a_hash() => Steps.Sample(
        steps =>
        {
            var client = new ChangedClient();
            var (ids, last, hashes) = (new HashSet<string>(), DateTimeOffset.MinValue, new HashSet<string>());
            foreach (var step in steps)
            {
                if (Take(client, step).Next is null)
                {
                    continue;
                }

                hashes.UnionWith(client.State!.Secrets.SelectMany(secret => new[] { secret.Mac, secret.SlowHash?.Expected, secret.SlowHash?.Salt })
                    .OfType<byte[]>().Select(Convert.ToBase64String));
                Assert.NotEmpty(client.Rows.Audit);
                Assert.All(client.Rows.Audit, entry => Assert.True(ids.Add(entry.Record.AuditId)));
                Assert.All(client.Rows.Audit, entry => Assert.True(entry.Record.At > last));
                last = client.Rows.Audit[^1].Record.At;
                var told = JsonSerializer.Serialize(client.Rows) + JsonSerializer.Serialize(client.View);
                Assert.All(hashes, hash => Assert.DoesNotContain(hash, told, StringComparison.Ordinal));
            }
        },
        iter: 200);

    [Fact]
    public void A_repeat_of_a_keyed_change_within_its_hour_answers_the_etag_that_it_gave_and_changes_nothing()
    {
        var repeats = 0;
        Steps.Sample(
            steps =>
            {
                var client = new ChangedClient();
                var made = new Dictionary<string, (AddSecretCommand Command, string ETag)>();
                foreach (var step in steps)
                {
                    Take(client, step);
                    var key = $"repeat-{step.Number % 5}";
                    if (made.TryGetValue(key, out var first))
                    {
                        Interlocked.Increment(ref repeats);
                        var state = client.State;
                        var again = client.AddSecret(first.Command);
                        Assert.Equal((ClientOutcome.Done, first.ETag), (again.Outcome, again.ETag));
                        Assert.Same(state, client.State);
                    }
                    else
                    {
                        var command = new AddSecretCommand(SecretOf(key, key), null, null, Actor(), key, client.Now);
                        if (client.AddSecret(command) is { Next: not null } change)
                        {
                            made[key] = (command, change.ETag!);
                        }
                    }
                }
            },
            iter: 200);

        Assert.NotEqual(0, repeats);
    }

    /// <summary>One command, most of which can be done. Time passes by seconds, so that no key is forgotten.</summary>
    private static Change Take(ChangedClient client, (int What, int Number) step)
    {
        var (what, number) = step;
        client.Now += TimeSpan.FromMilliseconds(number % 3 * 700);
        var id = $"s{number % 7}";
        return what switch
        {
            0 or 1 => client.Create(Creation(Document("read"), SecretOf("a", "s0"), SlowSecretOf("b", "s1")) with
            {
                Enabled = number % 3 > 0,
                CreatedAt = client.Now,
                IdempotencyId = number % 4 == 0 ? $"creation-{number % 2}" : null,
            }),
            2 => client.Replace(Document("read", $"scope-{number % 3}").ToJsonString(), number % 3 == 0 ? null : number % 3 == 1),
            3 or 4 => client.SetEnabled(number % 2 == 0),
            5 => number % 3 == 0 ? client.Delete() : client.RevokeTokens(),
            6 => client.RevokeTokens(),
            7 => client.AddSecret(SecretOf("new", $"n{number}"), number % 3 == 0 ? TimeSpan.FromSeconds(number) : null),
            8 => client.AddSecret(SecretOf("new", $"n{number}"), ifMatch: number % 2 == 0 ? client.State?.ETag : "0-0"),
            9 => client.RevokeSecret(id, force: number % 2 == 0),
            _ => client.Make(Actor(), (state, _) => client.Changes.Patch(
                state,
                new PatchClientCommand
                {
                    Patch = [.. Encoding.UTF8.GetBytes(number % 4 == 0 ? """{ "scopes": 1 }""" : $$"""{ "name": "Name {{number % 3}}" }""")],
                    Actor = Actor(),
                },
                3_600)),
        };
    }
}
