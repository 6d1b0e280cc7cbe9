# The Azure simulator, to try Lakevault without a subscription. It signs its own certificates and keeps them in /data.
FROM scratch
ARG VERSION
ARG REVISION
ARG CREATED
ARG CERTIFICATES
LABEL org.opencontainers.image.title="lakevault-simulator" \
      org.opencontainers.image.description="A stand-in for Azure: Entra ID, Resource Manager, Key Vault and Data Lake, for trying and testing Lakevault" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      dev.lakevault.ca-certificates="${CERTIFICATES}"
COPY rootfs/ /
COPY --chown=65532:65532 data/ /data/
USER 65532:65532
# Azure's hosts, and how the simulator is told what to be.
EXPOSE 8443 8444
ENTRYPOINT ["/azure-simulator"]
CMD ["--dir=/data", "--listen=0.0.0.0:8443", "--admin=0.0.0.0:8444"]
