use super::*;

const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
const OBJECT: &str = "33333333-3333-3333-3333-333333333333";
const RESOURCE_ID: &str = "/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id";
const THUMBPRINT: &str = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:FF";
const LOCAL: &str = "http://127.0.0.1:4000/token";
const SECURE: &str = "https://127.0.0.1:4000/token";

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Environment::new(variables.iter().map(owned))
}

fn source(variables: &[(&str, &str)]) -> Result<Source, Problem> {
    Source::from(&environment(variables))
}

fn all() -> Vec<(&'static str, Source)> {
    let secret = ("MSI_SECRET", "s3cret");
    let header = ("IDENTITY_HEADER", "s3cret");
    let of = |variables: &[(&str, &str)]| source(variables).unwrap();
    vec![
        ("imds", of(&[])),
        ("app service", of(&[("IDENTITY_ENDPOINT", LOCAL), header])),
        ("app service 2017", of(&[("MSI_ENDPOINT", LOCAL), secret])),
        (
            "machine learning",
            of(&[
                ("MSI_ENDPOINT", LOCAL),
                secret,
                ("DEFAULT_IDENTITY_CLIENT_ID", OBJECT),
            ]),
        ),
        ("cloud shell", of(&[("MSI_ENDPOINT", LOCAL)])),
        (
            "arc",
            of(&[("IDENTITY_ENDPOINT", LOCAL), ("IMDS_ENDPOINT", LOCAL)]),
        ),
        (
            "service fabric",
            of(&[
                ("IDENTITY_ENDPOINT", SECURE),
                header,
                ("IDENTITY_SERVER_THUMBPRINT", THUMBPRINT),
            ]),
        ),
    ]
}

fn whichs() -> [Which; 4] {
    [
        Which::System,
        Which::ClientId(CLIENT.parse().unwrap()),
        Which::ObjectId(OBJECT.parse().unwrap()),
        Which::ResourceId(RESOURCE_ID.parse().unwrap()),
    ]
}

fn asked(source: &Source, which: &Which) -> Result<Request, Problem> {
    let resource = Resource::new("https://vault.azure.net");
    request(source, which, &resource, Patience::Book)
}

fn header(request: &Request, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|(known, _)| known == name)?;
    Some(found.1.to_str().unwrap().to_owned())
}

#[test]
fn the_first_source_that_the_environment_tells_of_is_taken() {
    let everything = [
        ("IDENTITY_ENDPOINT", SECURE),
        ("IDENTITY_HEADER", "h"),
        ("IDENTITY_SERVER_THUMBPRINT", THUMBPRINT),
        ("IMDS_ENDPOINT", LOCAL),
        ("MSI_ENDPOINT", LOCAL),
        ("MSI_SECRET", "s"),
        ("DEFAULT_IDENTITY_CLIENT_ID", CLIENT),
    ];
    let without = |gone: &[&str]| {
        let rest: Vec<_> = everything
            .iter()
            .filter(|(name, _)| !gone.contains(name))
            .copied()
            .collect();
        source(&rest).unwrap().host()
    };
    assert_eq!(without(&[]), "Service Fabric");
    assert_eq!(without(&["IDENTITY_SERVER_THUMBPRINT"]), "App Service");
    assert_eq!(without(&["IDENTITY_HEADER"]), "the Azure Arc agent");
    let identity = "IDENTITY_ENDPOINT";
    assert_eq!(without(&[identity]), "Azure Machine Learning");
    assert_eq!(
        without(&[identity, "DEFAULT_IDENTITY_CLIENT_ID"]),
        "App Service"
    );
    assert_eq!(without(&[identity, "MSI_SECRET"]), "Cloud Shell");
    assert_eq!(
        without(&[identity, "MSI_ENDPOINT"]),
        "the instance metadata service"
    );
}

#[test]
fn the_metadata_service_can_be_elsewhere() {
    let at = |host: &str| {
        let found = source(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", host)]).unwrap();
        found.endpoint().to_string()
    };
    let default = source(&[]).unwrap();
    let path = "/metadata/identity/oauth2/token";
    assert_eq!(
        default.endpoint().as_str(),
        format!("http://169.254.169.254{path}")
    );
    assert_eq!(
        at("http://127.0.0.1:9/"),
        format!("http://127.0.0.1:9{path}")
    );
}

#[test]
fn an_environment_that_cannot_be_is_refused_by_the_variables_name() {
    let endpoint = ("IDENTITY_ENDPOINT", LOCAL);
    let header = ("IDENTITY_HEADER", "h");
    let pin = |text| ("IDENTITY_SERVER_THUMBPRINT", text);
    let secure = ("IDENTITY_ENDPOINT", SECURE);
    let short = THUMBPRINT.get(3..).unwrap();
    let letters = THUMBPRINT.replace('A', "G");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[endpoint], "IMDS_ENDPOINT"),
        (
            &[("IDENTITY_ENDPOINT", "localhost"), header],
            "IDENTITY_ENDPOINT",
        ),
        (
            &[("IDENTITY_ENDPOINT", "ftp://a/b"), header],
            "IDENTITY_ENDPOINT",
        ),
        (
            &[("IDENTITY_ENDPOINT", "http://u:p@a/b"), header],
            "IDENTITY_ENDPOINT",
        ),
        (&[endpoint, header, pin(THUMBPRINT)], "https"),
        (&[secure, header, pin(short)], "IDENTITY_SERVER_THUMBPRINT"),
        (
            &[secure, header, pin(&letters)],
            "IDENTITY_SERVER_THUMBPRINT",
        ),
        (&[("MSI_ENDPOINT", "/token")], "MSI_ENDPOINT"),
        (
            &[
                ("MSI_ENDPOINT", LOCAL),
                ("MSI_SECRET", "s"),
                ("DEFAULT_IDENTITY_CLIENT_ID", "me"),
            ],
            "DEFAULT_IDENTITY_CLIENT_ID",
        ),
        (
            &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "imds")],
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        ),
    ];
    for (variables, named) in cases {
        let problem = source(variables).unwrap_err();
        assert_eq!(problem.reason, Reason::EnvironmentUnusable);
        assert!(problem.message.contains(named), "{named}: {problem}");
    }
    let unsendable = source(&[("MSI_ENDPOINT", LOCAL), ("MSI_SECRET", "a\nb")]).unwrap();
    let problem = asked(&unsendable, &Which::System).unwrap_err();
    assert!(problem.message.contains("MSI_SECRET"), "{problem}");
}

/// What each source is asked in its query, by what is wanted; None where it cannot be asked.
#[test]
fn each_source_is_asked_for_each_identity_in_its_own_words() {
    let client = || Some(format!("client_id={CLIENT}"));
    let old = || Some(format!("clientid={CLIENT}"));
    let object = || Some(format!("object_id={OBJECT}"));
    let encoded = RESOURCE_ID.replace('/', "%2F");
    let machine = || Some(format!("msi_res_id={encoded}"));
    let app = || Some(format!("mi_res_id={encoded}"));
    let system = || Some(String::new());
    let ml = || Some(format!("clientid={OBJECT}"));
    let expected = [
        ("2018-02-01", [system(), client(), object(), machine()]),
        ("2019-08-01", [system(), client(), object(), app()]),
        ("2017-09-01", [system(), old(), None, None]),
        ("2017-09-01", [ml(), old(), None, None]),
        ("", [system(), None, None, None]),
        ("2020-06-01", [system(), client(), object(), machine()]),
        ("2019-07-01-preview", [system(), None, None, None]),
    ];
    for ((name, source), (version, queries)) in all().iter().zip(expected) {
        for (which, choice) in whichs().iter().zip(queries) {
            let place = format!("{name}, {which}");
            match (asked(source, which), choice) {
                (Ok(request), Some(_)) if version.is_empty() => {
                    assert_eq!(request.url.query(), None, "{place}");
                }
                (Ok(request), Some(choice)) => {
                    let fixed =
                        format!("api-version={version}&resource=https%3A%2F%2Fvault.azure.net");
                    let query = [fixed, choice].join("&");
                    let query = query.trim_end_matches('&');
                    assert_eq!(request.url.query(), Some(query), "{place}");
                }
                (Err(problem), None) => {
                    assert_eq!(problem.reason, Reason::InvalidSpec, "{place}");
                    assert!(
                        problem.message.contains("spec.managedIdentity"),
                        "{place}: {problem}"
                    );
                }
                (other, choice) => panic!("{place}: {other:?} in place of {choice:?}"),
            }
        }
    }
}

#[test]
fn each_source_is_shown_what_it_wants_to_see() {
    let expected = [
        ("metadata", "true"),
        ("x-identity-header", "s3cret"),
        ("secret", "s3cret"),
        ("secret", "s3cret"),
        ("metadata", "true"),
        ("metadata", "true"),
        ("secret", "s3cret"),
    ];
    for ((name, source), (shown, value)) in all().iter().zip(expected) {
        let request = asked(source, &Which::System).unwrap();
        assert_eq!(header(&request, shown).as_deref(), Some(value), "{name}");
        let printed = format!("{request:?} {source:?}");
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}

#[test]
fn cloud_shell_is_asked_by_a_form() {
    let (_, shell) = all().swap_remove(4);
    let request = asked(&shell, &Which::System).unwrap();
    assert_eq!(request.method, Method::POST);
    let body = request.body.as_ref().map(|body| body.as_slice());
    assert_eq!(body, Some(&b"resource=https%3A%2F%2Fvault.azure.net"[..]));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(header(&request, "content-type").as_deref(), Some(form));
}

#[test]
fn no_proxy_is_ever_asked_and_only_the_metadata_service_is_probed() {
    let mut pin = [0; 20];
    for (byte, number) in pin.iter_mut().zip(0..) {
        *byte = number;
    }
    pin[19] = 0xff;
    for (name, source) in all() {
        let route = |patience| {
            let resource = Resource::new("r");
            request(&source, &Which::System, &resource, patience)
                .unwrap()
                .route
        };
        let (book, probe) = match name {
            "imds" => (Route::Direct, Route::Probe),
            "service fabric" => (Route::Pinned(pin), Route::Pinned(pin)),
            _ => (Route::Direct, Route::Direct),
        };
        assert_eq!(
            (route(Patience::Book), route(Patience::Probe)),
            (book, probe),
            "{name}"
        );
    }
}
