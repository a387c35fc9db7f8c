using AuthCluster.Benchmarks.Load;

// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- load [--rounds 4] [--seconds 10] [--callers 32]
//     tokens a second and processor time a token, of the product and of the bare floor, driven in turn by the same load
// dotnet run -c Release --project tests/AuthCluster.Benchmarks -- floor --urls http://localhost:5000
//     the floor alone, for a load of one's own
return args switch
{
    ["load", .. var options] => await LoadCommand.RunAsync(LoadOptions.Parse(options)),
    ["floor", .. var options] => await FloorServer.RunAsync(options),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Say what to measure: load, or floor.");
    return 2;
}
