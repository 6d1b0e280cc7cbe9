# One static program, root certificates, and the names of its user and group. image/build.sh stages rootfs/ beside this file.
FROM scratch
ARG VERSION
ARG REVISION
ARG CREATED
ARG CERTIFICATES
LABEL org.opencontainers.image.title="lakevault" \
      org.opencontainers.image.description="Manages Azure Key Vaults and Data Lake accounts and mirrors Key Vault objects into Kubernetes Secrets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      dev.lakevault.ca-certificates="${CERTIFICATES}"
COPY rootfs/ /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/lakevault"]
CMD ["run"]
