//! Connections by TLS and SASL: what is let in, and what ends at once, with its cause.

use std::fs;
use std::sync::Arc;

use highwater_codec::Format;
use highwater_core::{Error, ErrorKind, Limits, Planned, Positions, Source};
use highwater_kafka::{ClientProperties, KafkaSource, TopicWriter};
use highwater_testkit::broker::{Authority, Batch, Certificate, Cluster, Guard, Mood, Record};
use tokio::time::{Duration, sleep};

use crate::reading::{read, read_all, source, value};

const PASSWORD: &str = "open-sesame-canary";
const HANDSHAKE: i16 = 17;
const METADATA: i16 = 3;
const LOGIN: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"alice\" password=\"open-sesame-canary\";";

async fn cluster(guard: Guard) -> Cluster {
    let cluster = Cluster::guarded(1, guard).await.unwrap();
    cluster.create_topic("t", 2);
    for n in 0..10 {
        cluster.append("t", n % 2, Batch::of([Record::value(value(&format!("text-{n}")))]));
    }
    cluster
}

fn with(bootstrap: &str, properties: &[(&str, &str)]) -> KafkaSource<Arc<dyn Format>> {
    let set = |source: KafkaSource<Arc<dyn Format>>, (name, value): &(&str, &str)| {
        source.property(name, value)
    };
    properties.iter().try_fold(source(bootstrap, "t"), set).unwrap()
}

async fn plan(source: &KafkaSource<Arc<dyn Format>>) -> Result<Planned, Error> {
    source.plan(&Positions::default(), None, &Limits::default()).await
}

/// All ten records are read.
async fn reads(bootstrap: &str, properties: &[(&str, &str)]) {
    let source = with(bootstrap, properties);
    let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 10);
}

/// The first plan fails for good, says `words`, and next `step`; nothing was asked of the broker.
async fn fails(cluster: &Cluster, properties: &[(&str, &str)], words: &str, step: &str) {
    let source = with(&cluster.bootstrap(), properties);
    let error = plan(&source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let text = error.to_string();
    assert!(text.contains(words), "{words:?} is not in: {text}");
    assert!(error.next_step().contains(step), "{step:?} is not in: {}", error.next_step());
    for shown in [text, format!("{error:?}"), format!("{source:?}")] {
        assert!(!shown.contains("canary"), "{shown}");
        assert!(!shown.contains('\n'), "{shown}");
    }
    assert_eq!(cluster.requests(METADATA), 0);
    assert!(cluster.connections() <= 4, "{} connections", cluster.connections());
}

fn by_password<'a>(mechanism: &'a str, password: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", mechanism),
        ("sasl.username", "alice"),
        ("sasl.password", password),
    ]
}

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

#[tokio::test]
async fn every_mechanism_lets_in_by_the_right_password() {
    let cluster = cluster(Guard::new().mechanisms(&MECHANISMS).user("alice", PASSWORD)).await;
    for mechanism in MECHANISMS {
        reads(&cluster.bootstrap(), &by_password(mechanism, PASSWORD)).await;
    }
    let jaas = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-256"),
        ("sasl.jaas.config", LOGIN),
    ];
    reads(&cluster.bootstrap(), &jaas).await;
}

#[tokio::test]
async fn a_wrong_password_ends_at_once() {
    for mechanism in MECHANISMS {
        let guard = Guard::new().mechanisms(&MECHANISMS).user("alice", "another");
        let cluster = cluster(guard).await;
        let words = format!(
            "the broker refuses user alice by {mechanism}: Authentication failed: Invalid username or password"
        );
        let step = "correct the user, the password";
        fails(&cluster, &by_password(mechanism, PASSWORD), &words, step).await;
        assert_eq!(cluster.connections(), 1);
        assert_eq!(cluster.requests(HANDSHAKE), 1);
    }
}

#[tokio::test]
async fn a_password_that_was_changed_ends_a_read_at_once() {
    let guard = |password| Guard::new().mechanisms(&MECHANISMS).user("alice", password);
    let cluster = cluster(guard(PASSWORD)).await;
    let source = with(&cluster.bootstrap(), &by_password("SCRAM-SHA-512", PASSWORD));
    let planned = plan(&source).await.unwrap();
    cluster.set_guard(guard("another"));
    cluster.cut_after(Some(0)); // another connection is needed
    let error = read(&source, &planned).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("refuses user alice by SCRAM-SHA-512"), "{error}");
}

#[tokio::test]
async fn who_stands_in_for_a_broker_is_found_out() {
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let cluster = cluster(Guard::new().mechanisms(&MECHANISMS).impostor()).await;
        let words = format!("{mechanism}: the broker does not prove that it knows the password");
        let step = "check that this is the right broker";
        fails(&cluster, &by_password(mechanism, PASSWORD), &words, step).await;
    }
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_named_with_those_that_are() {
    let cluster = cluster(Guard::new().mechanisms(&MECHANISMS[1..]).user("alice", PASSWORD)).await;
    let words = "does not offer sasl.mechanism=PLAIN, only SCRAM-SHA-256, SCRAM-SHA-512";
    fails(&cluster, &by_password("PLAIN", PASSWORD), words, "choose a mechanism").await;
}

/// Whom to trust, in the property itself.
fn tls(authority: &Authority) -> [(&str, &str); 2] {
    [("security.protocol", "SSL"), ("ssl.truststore.certificates", authority.pem())]
}

fn speaks_tls(certificate: &Certificate) -> Guard {
    Guard::new().tls(certificate, None).unwrap()
}

#[tokio::test]
async fn tls_and_sasl_go_together() {
    let authority = Authority::new("ours").unwrap();
    let guard = speaks_tls(&authority.issue("127.0.0.1").unwrap());
    let guard = guard.mechanisms(&MECHANISMS).user("alice", PASSWORD);
    let cluster = cluster(guard).await;
    for mechanism in MECHANISMS {
        let mut properties = by_password(mechanism, PASSWORD).to_vec();
        properties.extend([("security.protocol", "SASL_SSL"), tls(&authority)[1]]);
        reads(&cluster.bootstrap(), &properties).await;
    }
}

#[tokio::test]
async fn a_certificate_is_accepted_only_if_it_is_right() {
    let authority = Authority::new("ours").unwrap();
    let right = authority.issue("127.0.0.1").unwrap();
    reads(&cluster(speaks_tls(&right)).await.bootstrap(), &tls(&authority)).await;

    let words = "the certificate of the broker is not accepted: invalid peer certificate: ";
    let expired = cluster(speaks_tls(&authority.issue_expired("127.0.0.1").unwrap())).await;
    let said = format!("{words}certificate expired");
    fails(&expired, &tls(&authority), &said, "renew the certificate").await;

    let stranger = Authority::new("theirs").unwrap();
    let untrusted = cluster(speaks_tls(&right)).await;
    let said = format!("{words}UnknownIssuer");
    fails(&untrusted, &tls(&stranger), &said, "set ssl.truststore.location").await;
    // What the system trusts does not vouch for it either.
    fails(&untrusted, &[("security.protocol", "SSL")], "", "ssl.truststore.location").await;

    let other = cluster(speaks_tls(&authority.issue("b1.example").unwrap())).await;
    let said = format!("{words}certificate not valid for name \"127.0.0.1\"");
    fails(&other, &tls(&authority), &said, "by a name that its certificate has").await;
    let [protocol, trusted] = tls(&authority);
    for algorithm in ["", "none"] {
        let any_host = ("ssl.endpoint.identification.algorithm", algorithm);
        reads(&other.bootstrap(), &[protocol, trusted, any_host]).await;
    }
    // Any host, but not any authority.
    let any_host = ("ssl.endpoint.identification.algorithm", "");
    let error = plan(&with(&other.bootstrap(), &[protocol, tls(&stranger)[1], any_host])).await;
    assert!(error.unwrap_err().to_string().contains("UnknownIssuer"));
}

#[tokio::test]
async fn a_broker_may_ask_for_a_certificate_of_the_client() {
    let authority = Authority::new("ours").unwrap();
    let broker = authority.issue("127.0.0.1").unwrap();
    let guard = || Guard::new().tls(&broker, Some(&authority)).unwrap();
    let [protocol, trusted] = tls(&authority);
    let asking = cluster(guard()).await;
    let words = "the broker ended the TLS handshake: received fatal alert: ";
    fails(&asking, &[protocol, trusted], words, "ssl.keystore.location").await;

    let client = authority.issue("alice").unwrap();
    let inline = [
        protocol,
        trusted,
        ("ssl.keystore.certificate.chain", &*client.certificate),
        ("ssl.keystore.key", &*client.key),
    ];
    reads(&asking.bootstrap(), &inline).await;
    let stranger = Authority::new("theirs").unwrap().issue("mallory").unwrap();
    let other = [
        protocol,
        trusted,
        ("ssl.keystore.certificate.chain", &*stranger.certificate),
        ("ssl.keystore.key", &*stranger.key),
    ];
    let error = plan(&with(&asking.bootstrap(), &other)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(!format!("{error:?}{error}").contains("PRIVATE"));
}

#[tokio::test]
async fn files_hold_certificates_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let authority = Authority::new("ours").unwrap();
    let client = authority.issue("alice").unwrap();
    let file = |name: &str, text: &str| {
        fs::write(place(name), text).unwrap();
        place(name)
    };
    let trusted = file("ca.pem", authority.pem());
    let both = file("both.pem", &format!("{}{}", client.certificate, client.key));
    let (certificate, key) =
        (file("client.pem", &client.certificate), file("key.pem", &client.key));
    let java = place("keystore.jks");
    fs::write(&java, [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]).unwrap();
    let broker = authority.issue("127.0.0.1").unwrap();
    let cluster = cluster(Guard::new().tls(&broker, Some(&authority)).unwrap()).await;
    let protocol = ("security.protocol", "SSL");
    let trusted = ("ssl.truststore.location", &*trusted);

    let missing = place("none.pem");
    for (properties, words) in [
        (&[protocol, ("ssl.ca.location", &*missing)][..], "cannot read "),
        (&[protocol, ("ssl.ca.location", &*key)], "holds no certificate in PEM"),
        (&[protocol, ("ssl.ca.location", &*java)], "is a keystore in a binary format, not PEM"),
        (&[protocol, trusted, ("ssl.keystore.location", &*certificate)], "holds no private key"),
        (&[protocol, trusted, ("ssl.key.location", &*key)], "the other half of the pair is not"),
    ] {
        fails(&cluster, properties, words, "").await;
    }
    reads(&cluster.bootstrap(), &[protocol, trusted, ("ssl.keystore.location", &*both)]).await;
    let pair = [("ssl.certificate.location", &*certificate), ("ssl.key.location", &*key)];
    reads(&cluster.bootstrap(), &[protocol, trusted, pair[0], pair[1]]).await;
}

#[tokio::test]
async fn a_port_of_the_other_kind_is_recognised() {
    let authority = Authority::new("ours").unwrap();
    let broker = authority.issue("127.0.0.1").unwrap();
    let encrypted = cluster(speaks_tls(&broker)).await;
    fails(&encrypted, &[], "the broker speaks TLS on this port", "to SSL or SASL_SSL").await;

    let open = cluster(Guard::new()).await;
    let words = "the broker answers without TLS on this port";
    fails(&open, &tls(&authority), words, "to PLAINTEXT or SASL_PLAINTEXT").await;

    let words = "the broker does no SASL on this port";
    fails(&open, &by_password("PLAIN", PASSWORD), words, "to PLAINTEXT or SSL").await;

    let asking = cluster(Guard::new().mechanisms(&["PLAIN"])).await;
    let error = plan(&with(&asking.bootstrap(), &[])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("the broker asks for SASL on this port"), "{error}");
}

#[tokio::test]
async fn a_broker_that_is_down_is_no_port_of_the_other_kind() {
    let authority = Authority::new("ours").unwrap();
    for guard in [Guard::new(), speaks_tls(&authority.issue("127.0.0.1").unwrap())] {
        let cluster = cluster(guard).await;
        cluster.set_mood(0, Mood::Down);
        for properties in [&tls(&authority)[..], &[], &by_password("PLAIN", PASSWORD)] {
            let error = plan(&with(&cluster.bootstrap(), properties)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
        }
    }
}

#[tokio::test]
async fn a_client_says_again_who_it_is_before_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "first\n").unwrap();
    let guard = |token| Guard::new().mechanisms(&["OAUTHBEARER"]).token(token).forgets_after(1);
    let cluster = cluster(guard("first")).await;
    let url = format!("file://{}", path.display());
    let source = with(
        &cluster.bootstrap(),
        &[
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "OAUTHBEARER"),
            ("sasl.oauthbearer.token.endpoint.url", &url),
        ],
    );
    plan(&source).await.unwrap();
    let before = cluster.requests(HANDSHAKE);

    // The file is read each time: a token that was replaced is the one that counts.
    sleep(Duration::from_millis(2)).await;
    cluster.set_guard(guard("second"));
    fs::write(&path, "second\n").unwrap();
    plan(&source).await.unwrap();
    assert!(cluster.requests(HANDSHAKE) > before);
    assert_eq!(cluster.connections(), 1);

    sleep(Duration::from_millis(2)).await;
    cluster.set_guard(guard("third"));
    let error = plan(&source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("refuses the token by OAUTHBEARER"), "{error}");
    assert!(!error.to_string().contains("second"), "{error}");
}

#[tokio::test]
async fn a_token_may_stand_in_the_properties() {
    let cluster = cluster(Guard::new().mechanisms(&["OAUTHBEARER"]).token("a.token")).await;
    let given = |token| {
        [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.mechanism", "OAUTHBEARER"),
            ("sasl.oauthbearer.token", token),
        ]
    };
    reads(&cluster.bootstrap(), &given("a.token")).await;
    let error = plan(&with(&cluster.bootstrap(), &given("canary"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test]
async fn a_writer_is_turned_away_as_a_reader_is() {
    let cluster = cluster(Guard::new().mechanisms(&MECHANISMS).user("alice", "another")).await;
    let mut properties = ClientProperties::new();
    for (name, value) in by_password("SCRAM-SHA-256", PASSWORD) {
        properties = properties.property(name, value).unwrap();
    }
    let (bootstrap, open) = (cluster.bootstrap(), TopicWriter::create_or_open_with);
    let error = open(&bootstrap, "t", None, &properties).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("refuses user alice by SCRAM-SHA-256"), "{error}");
    assert!(!format!("{error} {error:?} {properties:?}").contains("canary"));
    assert_eq!(cluster.connections(), 1);
}
