using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.Benchmarks.Load;

/// <summary>The result of one turn of the load.</summary>
/// <param name="Tokens">Answers with status 200.</param>
/// <param name="Failures">All other answers, and requests without one.</param>
internal sealed record LoadResult(long Tokens, long Failures);

/// <summary>Asks for tokens on a fixed number of connections, each of which waits for its answer.</summary>
internal abstract class LoadDriver
{
    /// <summary>Its name, for the report.</summary>
    public abstract string Name { get; }

    /// <summary>Drives the token endpoint with these forms, one after the other and from the start again.</summary>
    public abstract Task<LoadResult> DriveAsync(Uri server, IReadOnlyList<string> forms, int callers, TimeSpan duration);

    /// <summary>wrk where it is installed: it takes far less of the two cores than a driver in .NET would.</summary>
    public static async Task<LoadDriver> BestAsync()
    {
        try
        {
            await Command.RunAsync("wrk", "--version");
            return new WrkDriver();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return new HttpClientDriver();
        }
    }
}

/// <summary>Drives by wrk with a script that cycles through the forms.</summary>
internal sealed partial class WrkDriver : LoadDriver
{
    public override string Name => "wrk";

    public override async Task<LoadResult> DriveAsync(Uri server, IReadOnlyList<string> forms, int callers, TimeSpan duration)
    {
        using var folder = new TemporaryFolder();
        var script = folder.Write("tokens.lua", Script(forms));
        var printed = (await Command.RunAsync("wrk", "-t1", $"-c{callers}", $"-d{duration.TotalSeconds:f0}s", "-s", script, new Uri(server, "/oauth/token").ToString())).OutputOrThrow();
        var failed = Failed().Match(printed) is { Success: true } match ? Number(match) : 0;
        var broken = Broken().Match(printed) is { Success: true } errors ? errors.Groups.Values.Skip(1).Sum(group => long.Parse(group.ValueSpan, CultureInfo.InvariantCulture)) : 0;
        return new LoadResult(Number(Answers().Match(printed)) - failed, failed + broken);
    }

    private static string Script(IReadOnlyList<string> forms)
    {
        // Whole requests are built once, before the load, so that the driver does almost nothing while the load runs.
        var lua = new StringBuilder("local forms = {\n");
        foreach (var form in forms)
        {
            lua.Append(CultureInfo.InvariantCulture, $"  \"{form}\",\n");
        }

        return lua.Append("""
            }
            local requests = {}
            local next = 0
            function init(arguments)
              for i, form in ipairs(forms) do
                requests[i] = wrk.format("POST", nil, { ["Content-Type"] = "application/x-www-form-urlencoded" }, form)
              end
            end
            function request()
              next = next % #requests + 1
              return requests[next]
            end
            """).ToString();
    }

    private static long Number(Match match) => long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Answers();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)")]
    private static partial Regex Failed();

    [GeneratedRegex(@"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")]
    private static partial Regex Broken();
}

/// <summary>Drives from this process.</summary>
internal sealed class HttpClientDriver : LoadDriver
{
    public override string Name => "HttpClient, in this process";

    public override async Task<LoadResult> DriveAsync(Uri server, IReadOnlyList<string> forms, int callers, TimeSpan duration)
    {
        using var http = new HttpClient { BaseAddress = server };
        long tokens = 0, failures = 0;
        var next = -1;
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                var form = forms[(int)((uint)Interlocked.Increment(ref next) % (uint)forms.Count)];
                using var body = new StringContent(form, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded"));
                using var answer = await http.PostAsync("/oauth/token", body);
                await answer.Content.ReadAsByteArrayAsync();
                Interlocked.Increment(ref answer.IsSuccessStatusCode ? ref tokens : ref failures);
            }
        }));
        return new LoadResult(tokens, failures);
    }
}
