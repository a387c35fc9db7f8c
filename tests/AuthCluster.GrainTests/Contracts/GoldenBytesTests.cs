using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using AuthCluster.Contracts.Clients;
using AuthCluster.Contracts.Cluster;
using AuthCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace AuthCluster.GrainTests.Contracts;

/// <summary>
/// The bytes of every record that travels, in a file. A change of the file is a change of the wire format, and is reviewed as an
/// upgrade. Set <c>AUTHCLUSTER_WRITE_GOLDEN</c> to write the file anew. The earlier bytes of a record that is now written differently
/// are kept in a second file, because they must still be read.
/// </summary>
public sealed class GoldenBytesTests
{
    private static readonly Serializer Serializer = new ServiceCollection()
        .AddSerializer(serializer => serializer.AddAssembly(typeof(IClientGrain).Assembly))
        .BuildServiceProvider()
        .GetRequiredService<Serializer>();

    private static readonly string GoldenFile =
        Path.Combine(Repository.Root, "tests", "AuthCluster.GrainTests", "Contracts", "golden.txt");

    private static readonly string OlderFile =
        Path.Combine(Repository.Root, "tests", "AuthCluster.GrainTests", "Contracts", "golden-older.txt");

    public static TheoryData<string, string> OlderRecords => [.. File.ReadAllLines(OlderFile).Where(line => line.Length > 0).Select(line => (line.Split(' ')[0], line.Split(' ')[1]))];

    public static TheoryData<string> Records => [.. Types.Select(type => type.FullName!)];

    private static IEnumerable<Type> Types => typeof(IClientGrain).Assembly.GetTypes()
        .Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null)
        .OrderBy(type => type.FullName, StringComparer.Ordinal);

    [Fact]
    public async Task Every_record_is_in_the_file_and_nothing_else()
    {
        if (Environment.GetEnvironmentVariable("AUTHCLUSTER_WRITE_GOLDEN") is { Length: > 0 })
        {
            var before = Golden();
            var now = Types.ToDictionary(type => type.FullName!, type => Convert.ToHexStringLower(Serializer.SerializeToArray(Sample.Of(type))), StringComparer.Ordinal);
            await File.AppendAllLinesAsync(
                OlderFile,
                before.Where(old => now.TryGetValue(old.Key, out var bytes) && bytes != old.Value).Select(old => $"{old.Key} {old.Value}"),
                TestContext.Current.CancellationToken);
            await File.WriteAllLinesAsync(
                GoldenFile, now.Select(record => $"{record.Key} {record.Value}"), TestContext.Current.CancellationToken);
        }

        Assert.Equal(Types.Select(type => type.FullName), Golden().Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void A_record_is_written_as_the_golden_file_has_it_and_is_read_from_those_bytes(string name)
    {
        var type = typeof(IClientGrain).Assembly.GetType(name)!;
        var sample = Sample.Of(type);

        var written = Serializer.SerializeToArray(sample);
        var read = Serializer.Deserialize<object>(Convert.FromHexString(Golden()[name]));

        Assert.Equal(Golden()[name], Convert.ToHexStringLower(written));
        Assert.Equal(Sample.Print(sample), Sample.Print(read));
    }

    [Theory]
    [MemberData(nameof(OlderRecords))]
    public void What_an_older_build_wrote_is_read_with_every_member_that_it_knew(string name, string bytes)
    {
        var type = typeof(IClientGrain).Assembly.GetType(name)!;

        var read = Serializer.Deserialize<object>(Convert.FromHexString(bytes));

        Assert.Equal(type, read!.GetType());
        // Some members are as they were. A record may have a member now that it lacked, or that a record within it lacked.
        var members = Sample.MembersOf(type).Select(member => Sample.Print(member.GetValue(read))).ToList();
        var samples = Sample.MembersOf(type).Select(member => Sample.Print(member.GetValue(Sample.Of(type)))).ToList();
        Assert.True(samples.Intersect(members).Any() || Sample.MembersOf(type).Any(member => HoldsRecords(member.PropertyType)));
        Assert.NotEqual(samples, members);
    }

    private static bool HoldsRecords(Type type) =>
        type.Assembly == typeof(IClientGrain).Assembly || type.GetGenericArguments().Any(HoldsRecords);

    [Theory]
    [MemberData(nameof(Records))]
    public void Every_member_of_a_record_travels(string name)
    {
        var type = typeof(IClientGrain).Assembly.GetType(name)!;
        var ids = Sample.MembersOf(type).Select(member => member.GetCustomAttribute<IdAttribute>()?.Id).ToList();

        Assert.DoesNotContain(null, ids);
        Assert.Equal(Enumerable.Range(0, ids.Count).Select(i => (uint?)i), ids.Order());
        Assert.NotNull(type.GetCustomAttribute<AliasAttribute>());
        Assert.NotNull(type.GetCustomAttribute<ImmutableAttribute>());
    }

    /// <summary>An older caller does not send the members that it does not know, and the record that arrives must be usable.</summary>
    [Theory]
    [MemberData(nameof(Records))]
    public void A_record_can_be_used_though_an_older_caller_sends_none_of_its_members(string name)
    {
        var type = typeof(IClientGrain).Assembly.GetType(name)!;
        var empty = RuntimeHelpers.GetUninitializedObject(type);

        var read = Serializer.Deserialize<object>(Serializer.SerializeToArray(empty));

        Assert.Equal(type, read!.GetType());
        Assert.NotNull(read.ToString());
        foreach (var list in Sample.MembersOf(type).Where(member => Sample.IsImmutableArray(member.PropertyType)))
        {
            // A default list throws when it is enumerated: code that reads it asks IsDefaultOrEmpty, or the record sets [].
            Assert.NotNull(list.GetValue(read));
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void No_record_prints_secret_bytes(string name)
    {
        var type = typeof(IClientGrain).Assembly.GetType(name)!;

        var printed = Sample.Of(type).ToString()!;

        foreach (var secret in Sample.SecretsOf(Sample.Of(type)))
        {
            Assert.DoesNotContain(secret, printed, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static Dictionary<string, string> Golden() => File.Exists(GoldenFile)
        ? File.ReadAllLines(GoldenFile).Where(line => line.Length > 0).Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal)
        : [];

    /// <summary>One fixed value of every record, each member with a value of its own.</summary>
    private static class Sample
    {
        public static object Of(Type type)
        {
            var seed = 0;
            return Make(type, ref seed);
        }

        public static IEnumerable<PropertyInfo> MembersOf(Type type) => type
            .GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => property.GetIndexParameters().Length == 0 && property.SetMethod is not null)
            .OrderBy(property => property.GetCustomAttribute<IdAttribute>()?.Id);

        public static bool IsImmutableArray(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>);

        /// <summary>All members, as one text.</summary>
        public static string Print(object? value) => value switch
        {
            null => "null",
            string text => text,
            ImmutableArray<UnconfirmedRecord> { IsDefault: true } => "none",
            IEnumerable list => $"[{string.Join(",", list.Cast<object?>().Select(Print))}]",
            _ when value.GetType().Assembly == typeof(IClientGrain).Assembly && !value.GetType().IsEnum =>
                $"{value.GetType().Name}({string.Join(",", MembersOf(value.GetType()).Select(member => Print(member.GetValue(value))))})",
            IFormattable formattable => formattable.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };

        /// <summary>The bytes that a record holds, as a careless ToString would print them.</summary>
        public static IEnumerable<string> SecretsOf(object value)
        {
            foreach (var member in MembersOf(value.GetType()))
            {
                switch (member.GetValue(value))
                {
                    case ImmutableArray<byte> bytes:
                        yield return Convert.ToHexString(bytes.AsSpan());
                        yield return Convert.ToBase64String(bytes.AsSpan());
                        yield return string.Join(", ", bytes);
                        break;
                    case { } inner when inner.GetType().Assembly == typeof(IClientGrain).Assembly && !inner.GetType().IsEnum:
                        foreach (var secret in SecretsOf(inner))
                        {
                            yield return secret;
                        }

                        break;
                }
            }
        }

        private static object Make(Type type, ref int seed)
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            seed++;
            return type switch
            {
                _ when type == typeof(string) => $"text {seed}",
                _ when type == typeof(int) => seed,
                _ when type == typeof(long) => 1_000_000_000_000L + seed,
                _ when type == typeof(double) => seed + 0.5,
                _ when type == typeof(bool) => true,
                _ when type == typeof(byte) => (byte)(seed & 0xFF),
                _ when type == typeof(TimeSpan) => TimeSpan.FromSeconds(seed),
                _ when type == typeof(DateTimeOffset) => new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddSeconds(seed),
                { IsEnum: true } => Enum.GetValues(type).Cast<object>().Last(),
                _ when IsImmutableArray(type) => MakeList(type.GetGenericArguments()[0], ref seed),
                _ => MakeRecord(type, ref seed),
            };
        }

        private static object MakeList(Type element, ref int seed)
        {
            var items = Array.CreateInstance(element, element == typeof(byte) ? 8 : 2);
            for (var i = 0; i < items.Length; i++)
            {
                items.SetValue(Make(element, ref seed), i);
            }

            var create = typeof(ImmutableArray).GetMethods()
                .Single(method => method.Name == nameof(ImmutableArray.Create) && method.GetParameters() is [{ ParameterType.IsArray: true }])
                .MakeGenericMethod(element);
            return create.Invoke(null, [items])!;
        }

        private static object MakeRecord(Type type, ref int seed)
        {
            var record = RuntimeHelpers.GetUninitializedObject(type);
            foreach (var member in MembersOf(type))
            {
                member.SetValue(record, Make(member.PropertyType, ref seed));
            }

            return record;
        }
    }
}
