using System.Diagnostics.CodeAnalysis;

/// <summary>Lets the runtime load this assembly before the server starts: a startup hook has this name and no namespace.</summary>
[SuppressMessage("Design", "CA1050:Declare types in namespaces", Justification = "The runtime looks for this name without a namespace.")]
internal static class StartupHook
{
    public static void Initialize()
    {
        // To be loaded is all: the host finds it by its name then.
    }
}
