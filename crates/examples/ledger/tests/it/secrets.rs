//! A password is used, and shows nowhere.

use std::fs;

use highwater_testkit::broker::{Authority, Batch, Cluster, Guard, Record};
use tokio::runtime::Runtime;

use crate::binary::{Ended, Ledger, files};

const CANARY: &str = "c4n4ry-p4ssw0rd";

/// A broker with transactions that asks for TLS and SASL, and the runtime it lives on.
fn guarded(ledger: &Ledger, password: &str) -> (Runtime, Cluster) {
    let authority = Authority::new("ours").unwrap();
    fs::write(ledger.path("ca.pem"), authority.pem()).unwrap();
    let guard = Guard::new().tls(&authority.issue("127.0.0.1").unwrap(), None).unwrap();
    let guard = guard.mechanisms(&["PLAIN", "SCRAM-SHA-512"]).user("alice", password);
    let runtime = Runtime::new().unwrap();
    let cluster = runtime.block_on(Cluster::guarded(1, guard)).unwrap();
    cluster.create_topic("transactions", 2);
    let generated = ledger.call(&["generate", "--from", "generator:rows=200,seed=1,bad=0.1"]);
    for (n, line) in generated.out.lines().enumerate() {
        let record = Record::value(line.to_owned());
        cluster.append("transactions", n % 2, Batch::of([record]));
    }
    (runtime, cluster)
}

fn properties(mechanism: &str, password: &str) -> Vec<String> {
    [
        "security.protocol=SASL_SSL",
        "ssl.ca.location=ca.pem",
        &format!("sasl.mechanism={mechanism}"),
        password,
    ]
    .iter()
    .map(|property| format!("-X{property}"))
    .collect()
}

fn call(ledger: &Ledger, arguments: &[&str], properties: &[String]) -> Ended {
    let properties: Vec<&str> = properties.iter().map(String::as_str).collect();
    let mut command = ledger.command(&[arguments, &properties].concat());
    command.env("HIGHWATER_LOG", "trace").env("RUST_BACKTRACE", "1").output().unwrap().into()
}

#[track_caller]
fn assert_hidden(ended: &Ended, ledger: &Ledger) {
    assert!(!format!("{}{}", ended.out, ended.err).contains(CANARY), "{ended:?}");
    for file in files(&ledger.path("data")) {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", file.display());
    }
}

#[test]
fn a_password_is_in_no_log_progress_table_or_checkpoint() {
    let ledger = Ledger::new();
    let (_runtime, cluster) = guarded(&ledger, CANARY);
    fs::write(ledger.path("password"), format!("{CANARY}\n")).unwrap();
    let jaas = format!(
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"alice\" password=\"{CANARY}\";"
    );
    let from = format!("kafka://{}/transactions", cluster.bootstrap());
    let mut by_file = properties("PLAIN", "sasl.password=@password");
    by_file.push("-Xsasl.username=alice".to_owned());
    let by_jaas = properties("SCRAM-SHA-512", &jaas);
    let phases = ["epoch{pipeline=ledger", ":run:", ":prepare{", ":commit{", ":finish:"];
    for (properties, records, spans) in
        [(&by_file, "numInputRows\":200", &phases[..]), (&by_jaas, "", &phases[..1])]
    {
        let run = ["--from", &from, "--trigger", "available-now", "--progress", "json"];
        let ended = call(&ledger, &run, properties);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains(records), "{}", ended.out);
        assert!(ended.err.contains("TRACE"), "{}", ended.err);
        for span in spans {
            assert!(ended.err.contains(span), "no {span} in {}", ended.err);
        }
        assert_hidden(&ended, &ledger);
        let ended = call(&ledger, &["verify", "--against", &from], properties);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_hidden(&ended, &ledger);
        for format in ["text", "json", "mermaid"] {
            let ended =
                call(&ledger, &["explain", "--from", &from, "--format", format], properties);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert_hidden(&ended, &ledger);
        }
    }
}

#[test]
fn a_password_is_in_no_message_about_what_is_wrong_with_it() {
    let ledger = Ledger::new();
    let (_runtime, cluster) = guarded(&ledger, "another");
    let from = format!("kafka://{}/transactions", cluster.bootstrap());
    let given = format!("sasl.password={CANARY}");
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let mut properties = properties(mechanism, &given);
        properties.push("-Xsasl.username=alice".to_owned());
        let words = format!("the broker refuses user alice by {mechanism}: Authentication failed");
        let words = [&*words, "Next: correct the user, the password"];
        let ended = call(&ledger, &["--from", &from], &properties);
        ended.assert_failed(2, &words);
        assert_hidden(&ended, &ledger);
        let to = ["generate", "--from", "generator:rows=5", "--to", &from];
        let ended = call(&ledger, &to, &properties);
        ended.assert_failed(2, &words);
        assert_hidden(&ended, &ledger);
    }
    for property in ["sasl.pasword", "sasl.jaas.config", "ssl.keystore.key"] {
        let properties = properties("PLAIN", &format!("{property}={CANARY}"));
        let ended = call(&ledger, &["--from", &from], &properties);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_hidden(&ended, &ledger);
    }
}
