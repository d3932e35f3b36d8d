//! Suite `secured`: a real broker behind TLS and SASL, which forgets clients every two seconds.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::broker::{Broker, PASSWORD};
use super::lab::Lab;
use super::life::{DONE, Ended, Home};

const TOPIC: &str = "secured";
const RECORDS: u32 = 100_000;
/// The exit code for a mistake in an option.
const USAGE: i32 = 2;
/// Who is turned away must not go on trying.
const AT_ONCE: Duration = Duration::from_secs(20);

pub(super) fn run(lab: &Lab) -> Result<()> {
    let broker = Broker::start_secured(&lab.services())?;
    let home = lab.home("home")?;
    fs::write(home.path("password"), PASSWORD).context("cannot write the password")?;
    let authority = broker.authority();
    let authority = authority.to_str().context("the folder of services is not UTF-8")?;
    let source = format!("kafka://{}/{TOPIC}", broker.bootstrap());
    let alice = properties(authority, "SCRAM-SHA-512");

    exactly_once(lab, &home, &broker, &source, &alice)?;
    home.expect("plain", &run_once(&source, &properties(authority, "PLAIN")), DONE)?;
    turned_away(&home, &broker, authority)?;
    shows_nowhere(&home.path(""), PASSWORD)
}

/// Written, read and compared by SCRAM, over a restart of the broker and several of its sessions.
fn exactly_once(
    lab: &Lab,
    home: &Home,
    broker: &Broker,
    source: &str,
    alice: &[String],
) -> Result<()> {
    let seed = lab.draw(0).below(1_000);
    let generator = format!("generator:rows={RECORDS},seed={seed},rate=10000,bad=0.01");
    let generate = ["generate", "--from", &generator, "--to", source, "--partitions", "4"];
    let generate = with(&generate, alice);
    let mut writing = home.start("generate", &mut home.ledger(&refs(&generate)))?;
    // The topic is there once the first records are.
    sleep(Duration::from_secs(2));
    let arguments = with(&["--from", source, "--trigger", "200ms"], alice);
    let mut command = home.ledger(&refs(&arguments));
    let mut life = home.start("life", command.env("HIGHWATER_LOG", "trace"))?;
    let ended = writing.wait(Duration::from_secs(120))?;
    if ended != Ended::Exited(DONE) {
        bail!("the generator {ended:?}: {}", writing.tail());
    }
    broker.restart()?;
    sleep(Duration::from_secs(3)); // longer than a session
    if let Some(ended) = life.ended()? {
        bail!("the life {ended:?}: {}", life.tail());
    }
    let ended = life.terminate()?;
    if ended != Ended::Exited(DONE) {
        bail!("after SIGTERM the life {ended:?}: {}", life.tail());
    }
    home.expect("finish", &run_once(source, alice), DONE)?;
    let found = home.verify_with(source, &refs(alice))?;
    if !found.contains(&format!("\"records\": {RECORDS}")) {
        bail!("not all {RECORDS} records came through: {found}");
    }
    Ok(())
}

/// Every mistake ends within seconds, with exit code 2 and its cause.
fn turned_away(home: &Home, broker: &Broker, authority: &str) -> Result<()> {
    fs::write(home.path("wrong"), "wrong").context("cannot write a password")?;
    let right = properties(authority, "SCRAM-SHA-512");
    let but = |from: &str, to: &str| -> Vec<String> {
        right.iter().map(|property| property.replace(from, to)).collect()
    };
    let without_authority = but(&format!("-Xssl.ca.location={authority}"), "-Xclient.id=stranger");
    let topic = |host: &str, port| format!("kafka://{host}:{port}/{TOPIC}");
    let (port, open) = (broker.port(), broker.open_port());
    for (name, source, properties, words) in [
        (
            "password",
            topic("127.0.0.1", port),
            but("@password", "@wrong"),
            "refuses user alice by SCRAM-SHA-512",
        ),
        (
            "user",
            topic("127.0.0.1", port),
            but("alice", "bob"),
            "refuses user bob by SCRAM-SHA-512",
        ),
        (
            "mechanism",
            topic("127.0.0.1", port),
            but("SHA-512", "SHA-256"),
            "does not offer sasl.mechanism=SCRAM-SHA-256, only ",
        ),
        (
            "authority",
            topic("127.0.0.1", port),
            without_authority,
            "is not accepted: invalid peer certificate: UnknownIssuer",
        ),
        (
            "host",
            topic("localhost", port),
            right.clone(),
            "certificate not valid for name \"localhost\"",
        ),
        ("plaintext", topic("127.0.0.1", port), Vec::new(), "the broker speaks TLS on this port"),
        (
            "tls",
            topic("127.0.0.1", open),
            right.clone(),
            "the broker answers without TLS on this port",
        ),
        (
            "sasl",
            topic("127.0.0.1", open),
            but("SASL_SSL", "SASL_PLAINTEXT"),
            "ssl.ca.location has no effect",
        ),
    ] {
        let start = Instant::now();
        home.expect(name, &run_once(&source, &properties), USAGE)?;
        let told = fs::read_to_string(home.path(&format!("{name}.log")));
        let told = told.context("a life without a log")?;
        if !told.contains(words) || start.elapsed() > AT_ONCE {
            bail!("{name}: after {:?}, without {words:?}: {told}", start.elapsed());
        }
    }
    Ok(())
}

fn properties(authority: &str, mechanism: &str) -> Vec<String> {
    vec![
        "-Xsecurity.protocol=SASL_SSL".to_owned(),
        format!("-Xssl.ca.location={authority}"),
        format!("-Xsasl.mechanism={mechanism}"),
        "-Xsasl.username=alice".to_owned(),
        "-Xsasl.password=@password".to_owned(),
    ]
}

fn run_once<'a>(source: &'a str, properties: &'a [String]) -> Vec<&'a str> {
    let run = ["--from", source, "--trigger", "available-now"];
    run.into_iter().chain(properties.iter().map(String::as_str)).collect()
}

fn with(arguments: &[&str], properties: &[String]) -> Vec<String> {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    arguments.chain(properties.iter().cloned()).collect()
}

fn refs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// No table, log or checkpoint below `folder` holds the password, but the file it is kept in.
fn shows_nowhere(folder: &Path, password: &str) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {folder:?}"))? {
        let path = entry.context("cannot list a folder")?.path();
        if path.is_dir() {
            shows_nowhere(&path, password)?;
        } else if path.file_name().is_none_or(|name| name != "password") {
            let bytes = fs::read(&path).with_context(|| format!("cannot read {path:?}"))?;
            let shown = bytes.windows(password.len()).any(|part| part == password.as_bytes());
            if shown {
                bail!("the password stands in {}", path.display());
            }
        }
    }
    Ok(())
}
