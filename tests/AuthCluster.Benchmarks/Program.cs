using System.Globalization;
using AuthCluster.Benchmarks.Clients;
using AuthCluster.Benchmarks.Fence;
using AuthCluster.Benchmarks.Load;
using AuthCluster.Benchmarks.Steps;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- load [--rounds 4] [--seconds 10] [--callers 32]
//     tokens a second and processor time a token, of the product and of the bare floor, driven in turn by the same load
// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- floor --urls http://localhost:5000
//     the floor alone, for a load of one's own
// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- clients [100000]
//     creates so many clients through the admin API: how fast that goes, how long lists and searches take then, and the server's memory
// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- readings [3 30 300]
//     what the readings of the membership cost PostgreSQL, for clusters of so many silos
// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- steps [--filter '*Sign*']
//     time and allocation of the steps of a request that touch nothing outside, under BenchmarkDotNet and with its options
return args switch
{
    ["load", .. var options] => await LoadCommand.RunAsync(LoadOptions.Parse(options)),
    ["floor", .. var options] => await FloorServer.RunAsync(options),
    ["clients"] => await ClientsCommand.RunAsync(100_000),
    ["clients", var count] => await ClientsCommand.RunAsync(int.Parse(count, CultureInfo.InvariantCulture)),
    ["readings"] => await ReadingsCommand.RunAsync(3, 30, 300),
    ["readings", .. var sizes] => await ReadingsCommand.RunAsync(sizes.Select(size => int.Parse(size, CultureInfo.InvariantCulture))),
    ["steps", .. var options] => Steps(options),
    _ => Usage(),
};

static int Steps(string[] options)
{
    // BenchmarkDotNet builds the whole server once more, which takes longer than its limit of two minutes on a small machine.
    var config = ManualConfig.Create(DefaultConfig.Instance).WithBuildTimeout(TimeSpan.FromMinutes(10));
    BenchmarkSwitcher.FromTypes([typeof(TokenSteps), typeof(UsageSteps), typeof(FenceSteps)]).Run(options.Length > 0 ? options : ["--filter", "*"], config);
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("Say what to measure: load, floor, clients, readings or steps.");
    return 2;
}
