using AuthCluster.Server.Settings;

namespace AuthCluster.Server.Startup;

/// <summary>What a first start in Development prints to the console, once, and never to a log.</summary>
internal static class FirstStartNotice
{
    public const string AdminId = "admin";
    public const string DemoId = "demo";

    public static string Text(ServerSettings settings, (string Id, string Secret)? admin, (string Id, string Secret)? demo)
    {
        var lines = new List<string> { "", "AuthCluster started for the first time. These credentials are shown once: note them.", "" };
        if (admin is { } a)
        {
            lines.AddRange(["  Admin client", $"    client_id:     {a.Id}", $"    client_secret: {a.Secret}", ""]);
        }

        if (demo is { } d)
        {
            lines.AddRange(["  Demo client", $"    client_id:     {d.Id}", $"    client_secret: {d.Secret}", ""]);
        }

        lines.AddRange([$"  Data folder: {settings.DataDirectory}", ""]);
        // With port 0 the system chooses the port, which is not known here.
        if (demo is { } first && settings.Http.Urls[0].TrimEnd('/') is var address && !address.EndsWith(":0", StringComparison.Ordinal))
        {
            lines.AddRange(
            [
                "  A first token:",
                "",
                $"curl -X POST {address}/oauth/token \\",
                "  -d grant_type=client_credentials \\",
                $"  -d client_id={first.Id} \\",
                $"  -d client_secret={first.Secret} \\",
                "  -d \"scope=read write\"",
                "",
            ]);
        }

        return string.Join(Environment.NewLine, lines);
    }
}
