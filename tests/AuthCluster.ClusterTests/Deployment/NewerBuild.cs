using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using AuthCluster.TestKit;

namespace AuthCluster.ClusterTests.Deployment;

/// <summary>
/// A build of the server as a later release might be: compiled from these sources, with one member more on each record that silos send
/// each other, on each part of the stored state of a client and on its document; and with a method that the silos of this build don't know.
/// </summary>
public sealed partial class NewerBuild : IDisposable
{
    /// <summary>What the newer build writes into each part of a client's stored state.</summary>
    public const string StoredMember = "\"addedLater\":\"kept\"";

    /// <summary>What the newer build writes into each client document.</summary>
    public const string DocumentMember = "addedToDocument";

    private static readonly string[] Copied =
        ["global.json", "Directory.Build.props", "Directory.Packages.props", "BannedSymbols.txt", ".editorconfig", "AuthCluster.sln", "sql", "src"];

    private readonly TemporaryFolder _folder = new();

    private NewerBuild()
    {
    }

    /// <summary>The compiled server.</summary>
    public string Assembly => Path.Combine(_folder.Path, "src", "AuthCluster.Server", "bin", "Release", "net10.0", "AuthCluster.Server.dll");

    /// <summary>How many records that are sent got a member.</summary>
    public int SentRecords { get; private set; }

    /// <summary>How many records that are stored got a member.</summary>
    public int StoredRecords { get; private set; }

    /// <summary>Compiles it.</summary>
    public static async Task<NewerBuild> CompileAsync(CancellationToken cancellationToken)
    {
        var build = new NewerBuild();
        try
        {
            foreach (var name in Copied)
            {
                build.Copy(name);
            }

            build.AddMembers();
            build.AddDocumentMember();
            build.RenameMethod();
            var compile = new ProcessStartInfo(
                "dotnet",
                [
                    "build", "src/AuthCluster.Server", "--configuration", "Release", "--disable-build-servers",
                    "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-p:GenerateDocumentationFile=false",
                ])
            {
                WorkingDirectory = build._folder.Path,
            };
            (await Command.RunAsync(compile, cancellationToken)).OutputOrThrow();
            return build;
        }
        catch
        {
            build.Dispose();
            throw;
        }
    }

    public void Dispose() => _folder.Dispose();

    private void Copy(string name)
    {
        var source = Repository.PathOf(name);
        var target = _folder.PathOf(name);
        if (File.Exists(source))
        {
            File.Copy(source, target);
            return;
        }

        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(source, file);
            if (!BuildOutput().IsMatch(relative))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(target, relative))!);
                File.Copy(file, Path.Combine(target, relative));
            }
        }
    }

    /// <summary>Renames a method of the client's grain on the wire, so that each build meets silos that don't know its own.</summary>
    private void RenameMethod() =>
        Replace("src/AuthCluster.Contracts/Clients/IClientGrain.cs", "Alias(\"patch\")", "Alias(\"patch-later\")");

    private void AddDocumentMember()
    {
        Replace(
            "src/AuthCluster.Protocol/Clients/ClientDocumentWriter.cs",
            "WriteUnknown(json, document.Unknown);",
            $"json.WriteString(\"{DocumentMember}\", \"kept\");");
        Replace("src/AuthCluster.Protocol/Clients/ClientMembers.cs", "LastUsedAt, ETag];", $"LastUsedAt, ETag, \"{DocumentMember}\"];");
    }

    private void Replace(string path, string text, string other)
    {
        var file = _folder.PathOf(path);
        var before = File.ReadAllText(file);
        var after = before.Replace(text, other, StringComparison.Ordinal);
        File.WriteAllText(file, after != before ? after : throw new InvalidOperationException($"{path} does not have what the newer build changes."));
    }

    private void AddMembers()
    {
        foreach (var file in Directory.EnumerateFiles(_folder.PathOf("src/AuthCluster.Contracts"), "*.cs", SearchOption.AllDirectories))
        {
            SentRecords += AddMember(file, WireRecord(), "[Id(900)] public string? AddedLater { get; init; } = \"sent\";");
        }

        foreach (var file in Directory.EnumerateFiles(_folder.PathOf("src/AuthCluster.Grains"), "*.cs", SearchOption.AllDirectories))
        {
            StoredRecords += AddMember(file, StoredRecord(), "public string? AddedLater { get; init; } = \"kept\";");
        }
    }

    private static int AddMember(string file, Regex head, string member)
    {
        var text = File.ReadAllText(file);
        var changed = new StringBuilder();
        var from = 0;
        var records = 0;
        foreach (Match record in head.Matches(text))
        {
            var end = EndOfHead(text, record.Index + record.Length);
            changed.Append(text, from, end - from).Append(text[end] == ';' ? $" {{ {member} }}" : $"{{ {member}");
            from = end + 1;
            records++;
        }

        File.WriteAllText(file, changed.Append(text, from, text.Length - from).ToString());
        return records;
    }

    /// <summary>Where a record's head ends: at the semicolon or the brace outside all parentheses.</summary>
    private static int EndOfHead(string text, int at)
    {
        for (var depth = 0; ; at++)
        {
            depth += text[at] switch { '(' => 1, ')' => -1, _ => 0 };
            if (depth == 0 && text[at] is ';' or '{')
            {
                return at;
            }
        }
    }

    [GeneratedRegex(@"\[GenerateSerializer[^\n]*\npublic sealed record \w+")]
    private static partial Regex WireRecord();

    [GeneratedRegex(@"\ninternal sealed record \w+(\([^\n]*\))? : StoredPart")]
    private static partial Regex StoredRecord();

    [GeneratedRegex("(^|/)(bin|obj|data)/")]
    private static partial Regex BuildOutput();
}
