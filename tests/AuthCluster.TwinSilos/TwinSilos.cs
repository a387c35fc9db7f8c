using AuthCluster.TwinSilos;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.GrainDirectory;
using Orleans.Runtime.Placement;

[assembly: HostingStartup(typeof(TwinSilos))]

namespace AuthCluster.TwinSilos;

/// <summary>
/// Makes a silo activate each client that it is asked for itself, whichever other silos have activated it: as many activations of one client as
/// there are silos, each on a living one, for as long as they run. With Orleans alone such twins come and go by chance.
/// </summary>
/// <remarks>
/// A test gives it to a server process by two variables of the environment: <c>DOTNET_STARTUP_HOOKS</c> with the path of this assembly, which loads
/// it, and <c>ASPNETCORE_HOSTINGSTARTUPASSEMBLIES</c> with its name, which runs it. The server itself is as it is built for operators.
/// </remarks>
public sealed class TwinSilos : IHostingStartup
{
    public void Configure(IWebHostBuilder builder) => builder.ConfigureServices(services =>
    {
        services.AddSingleton<IGrainDirectoryResolver, OwnDirectoryResolver>();
        services.AddSingleton<IPlacementStrategyResolver, OwnPlacementResolver>();
    });
}
