//! A certificate authority of one control plane, and the kubeconfig files made with it.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, SanType,
};
use serde_json::json;

/// The object identifier of organizationName (X.520).
const ORGANIZATION: [u64; 4] = [2, 5, 4, 10];

/// A certificate and its private key as PEM files.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key, readable by the owner only.
    pub key: PathBuf,
}

/// A certificate authority whose key lives in memory only.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    certificate: PathBuf,
}

impl Authority {
    /// Makes the authority and writes its certificate to `folder`/ca.crt.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "testbed control plane");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let certificate = folder.join("ca.crt");
        fs::write(&certificate, issuer.pem())?;
        Ok(Self {
            issuer,
            folder: folder.into(),
            certificate,
        })
    }

    /// The authority's certificate file.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// A server certificate for loopback names and addresses and the given further ones.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn server(&self, name: &str, addresses: &[IpAddr], hosts: &[&str]) -> Result<Pair> {
        let names: Vec<String> = ["localhost"]
            .iter()
            .chain(hosts)
            .map(|&host| host.to_owned())
            .collect();
        let mut params = CertificateParams::new(names)?;
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let further = addresses
            .iter()
            .copied()
            .filter(|address| *address != loopback);
        params.subject_alt_names.extend(
            [loopback]
                .into_iter()
                .chain(further)
                .map(SanType::IpAddress),
        );
        params.distinguished_name.push(DnType::CommonName, name);
        self.issue(name, params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client certificate: Kubernetes takes the user from the common name and the groups from the organizations.
    ///
    /// # Errors
    /// When there are more than two groups, or the files cannot be written.
    pub fn client(&self, user: &str, groups: &[&str]) -> Result<Pair> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        // rcgen keeps one value for each type of attribute. The same type under its number counts as another one, which gives two;
        // a service account needs two, since the API server adds system:authenticated by itself.
        let organizations = [
            DnType::OrganizationName,
            DnType::CustomDnType(ORGANIZATION.into()),
        ];
        ensure!(
            groups.len() <= organizations.len(),
            "a client certificate holds two groups at most, not {groups:?}"
        );
        for (organization, group) in organizations.into_iter().zip(groups) {
            params.distinguished_name.push(organization, *group);
        }
        self.issue(
            &file_name(user),
            params,
            ExtendedKeyUsagePurpose::ClientAuth,
        )
    }

    fn issue(
        &self,
        name: &str,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Pair> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let pair = Pair {
            certificate: self.folder.join(format!("{name}.crt")),
            key: self.folder.join(format!("{name}.key")),
        };
        fs::write(&pair.certificate, certificate.pem())?;
        write_private(&pair.key, &key.serialize_pem())?;
        Ok(pair)
    }

    /// Writes a kubeconfig for the given server and client certificate.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(&self, path: &Path, server: &str, client: &Pair) -> Result<()> {
        // YAML is a superset of JSON, and every reader of kubeconfig files reads YAML.
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": {"server": server, "certificate-authority": self.certificate}}],
            "users": [{"name": "testbed", "user": {"client-certificate": client.certificate, "client-key": client.key}}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed"}}],
            "current-context": "testbed",
        });
        write_private(path, &serde_json::to_string_pretty(&config)?)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// The key that signs service-account tokens: RSA, since Entra accepts RS256 only from the issuer of a federated credential.
///
/// # Errors
/// When the files cannot be written.
pub fn service_account_key(folder: &Path) -> Result<Pair> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let pair = Pair {
        certificate: folder.join("service-account.pub"),
        key: folder.join("service-account.key"),
    };
    fs::write(&pair.certificate, key.public_key_pem())?;
    write_private(&pair.key, &key.serialize_pem())?;
    Ok(pair)
}

/// A user's name as a file name: `system:serviceaccount:a:b` becomes `system-serviceaccount-a-b`.
pub fn file_name(user: &str) -> String {
    user.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
                c
            } else {
                '-'
            }
        })
        .collect()
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file =
        File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file.write_all(text.as_bytes())?)
}
