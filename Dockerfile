# proxyd and proxyctl in one image:
#
#   docker build -t proxysuite .
#   docker run -p 6432:6432 -p 9632:9632 -v ./master.key:/etc/proxysuite/master.key:ro \
#     -e PROXYSUITE__Registry__ConnectionString=postgres://…  proxysuite
#   docker run --rm -e PROXYSUITE_REGISTRY=postgres://…  --entrypoint proxyctl proxysuite tenant list
#
# The programs carry their own .NET runtime, so the second image needs nothing but a C library; both images can be exchanged by build arguments.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG RUNTIME_IMAGE=debian:12-slim

FROM ${SDK_IMAGE} AS build
WORKDIR /source
COPY . .
# Compiled ahead of time (ReadyToRun): the proxy serves a fraction of a second after it starts. Cli after Host: what both have is the same file.
RUN for project in Host Cli; do \
      dotnet publish "src/ProxySuite.$project" -c Release -o /out --ucr --self-contained -p:PublishReadyToRun=true -p:SatelliteResourceLanguages=en --nologo || exit 1; \
    done

FROM ${RUNTIME_IMAGE}
COPY --from=build /out /opt/proxysuite
COPY config /etc/proxysuite
RUN ln -s /opt/proxysuite/proxyd /opt/proxysuite/proxyctl /usr/local/bin/
# In a container the loopback address reaches nobody. The configuration file and the environment are read as everywhere: PROXYSUITE__Section__Key.
ENV PROXYSUITE__Listen__Address=* PROXYSUITE__Metrics__Address=* PROXYSUITE__Secrets__MasterKeyFile=/etc/proxysuite/master.key
USER 65532:65532
EXPOSE 6432 9632
# SIGTERM drains: give it longer than Shutdown:DrainTimeout before SIGKILL.
STOPSIGNAL SIGTERM
ENTRYPOINT ["proxyd"]
