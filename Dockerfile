# The gateway: every role of a node, by configuration. Build it from the root of the repository: docker build -t adclick .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
# What restoring needs, by itself: the layer lasts until a package changes.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY AdClick.Actors/AdClick.Actors.csproj AdClick.Actors/
COPY AdClick.Gateway/AdClick.Gateway.csproj AdClick.Gateway/
RUN dotnet restore AdClick.Gateway
COPY akka.hocon ./
COPY AdClick.Actors AdClick.Actors
COPY AdClick.Gateway AdClick.Gateway
RUN dotnet publish AdClick.Gateway -c Release --no-restore -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./
# Log or spool, generated keys, the gateway's name: give it a volume.
RUN mkdir /data && chown "$APP_UID" /data
VOLUME /data
USER $APP_UID
ENV AdClick__Data=/data URLS=http://+:8080
# 8080: clicks and API; 4053: nodes of a cluster among themselves.
EXPOSE 8080 4053
# Ready is what the load balancer asks; a container is healthy while the process answers, or an absent database would have it killed.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz/live HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["dotnet", "AdClick.Gateway.dll"]
