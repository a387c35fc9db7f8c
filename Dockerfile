# The server as a container: no shell, no package manager, no root, and nothing that it writes to.
# "extra" is the image with ICU, which Microsoft.Data.SqlClient needs: it refuses to run in invariant globalization.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY sql sql
COPY src src
RUN dotnet publish src/AuthCluster.Server --configuration Release --output /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra
WORKDIR /app
COPY --from=build /app .
# The runtime's diagnostics would make sockets and files in /tmp. A container that is given a single CPU wants
# DOTNET_PROCESSOR_COUNT=2 beside: where .NET sees one, it runs a cluster at a fraction of its speed.
ENV DOTNET_EnableDiagnostics=0 \
    ASPNETCORE_HTTP_PORTS=8080
USER $APP_UID
# HTTP, and silo and gateway, which only the cluster's own network may reach.
EXPOSE 8080 11111 30000
ENTRYPOINT ["dotnet", "AuthCluster.Server.dll"]
