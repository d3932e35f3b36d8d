//! The Kafka brokers of a run, and its schema registry: their own ports and data, gone when the run is.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::{services, step};

/// Running brokers of one cluster, mostly one. Dropping them stops them and removes their data.
pub(crate) struct Broker {
    /// The file in `xtask/services`.
    service: &'static str,
    /// The brokers: the service, or its instances.
    nodes: &'static [&'static str],
    run: PathBuf,
    /// For clients, for the controller, and one more for those that are open to everybody besides. Of
    /// three brokers: for clients, then for controllers.
    ports: [u16; 6],
}

/// The password of the user alice of a secured broker.
pub(crate) const PASSWORD: &str = "c4n4ry-p4ssw0rd";

impl Broker {
    /// Starts a broker with its data below `run`.
    pub(crate) fn start(run: &Path) -> Result<Self> {
        Self::up("kafka", &["kafka"], run)
    }

    /// Starts one beside that, for who must not be disturbed when that is stopped.
    pub(crate) fn start_second(run: &Path) -> Result<Self> {
        Self::up("kafka", &["kafka@2"], run)
    }

    /// Starts a broker behind TLS and SASL.
    pub(crate) fn start_secured(run: &Path) -> Result<Self> {
        Self::up("kafka_secured", &["kafka_secured"], run)
    }

    /// Starts a broker of the last version before 4.
    pub(crate) fn start_old(run: &Path) -> Result<Self> {
        Self::up("kafka_3_9", &["kafka_3_9"], run)
    }

    /// Starts three brokers that keep each record three times.
    pub(crate) fn start_three(run: &Path) -> Result<Self> {
        Self::up("kafka_node", &["kafka_node@1", "kafka_node@2", "kafka_node@3"], run)
    }

    fn up(service: &'static str, nodes: &'static [&'static str], run: &Path) -> Result<Self> {
        let broker = Self { service, nodes, run: run.to_owned(), ports: free_ports()? };
        quietly(broker.services()?.arg("up").args(nodes))?;
        Ok(broker)
    }

    /// The certificate of the authority that signed that of a secured broker.
    pub(crate) fn authority(&self) -> PathBuf {
        self.run.join(self.service).join("ca.pem")
    }

    /// The port without TLS and SASL of a secured broker.
    pub(crate) fn open_port(&self) -> u16 {
        self.ports[2]
    }

    /// The port for clients, of the first broker.
    pub(crate) fn port(&self) -> u16 {
        self.ports[0]
    }

    /// `host:port` of each, for clients.
    pub(crate) fn bootstrap(&self) -> String {
        let ports = self.ports.iter().zip(self.nodes);
        ports.map(|(port, _)| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// Stops them and starts them again on the same data and ports.
    pub(crate) fn restart(&self) -> Result<()> {
        quietly(self.services()?.arg("restart").args(self.nodes))
    }

    /// Stops one of several, counted from 0.
    pub(crate) fn stop_one(&self, node: usize) -> Result<()> {
        quietly(self.services()?.arg("down").args(self.nodes.get(node)))
    }

    /// Starts one again that was stopped.
    pub(crate) fn start_one(&self, node: usize) -> Result<()> {
        quietly(self.services()?.arg("up").args(self.nodes.get(node)))
    }

    /// Makes a topic.
    pub(crate) fn create_topic(&self, topic: &str, partitions: u32) -> Result<()> {
        let partitions = partitions.to_string();
        let mut tool = self.services()?;
        tool.arg("run").args(self.nodes.first());
        tool.args(["topics", "--create", "--topic", topic, "--partitions", &partitions]);
        quietly(&mut tool)
    }

    fn services(&self) -> Result<Command> {
        let mut script = services::script()?;
        script.env("HIGHWATER_SERVICES_RUN", &self.run);
        let name = self.service.to_uppercase();
        let ports = ["PORT", "CONTROLLER_PORT", "OPEN_PORT"].iter().zip(self.ports);
        script.envs(ports.map(|(of, port)| (format!("HIGHWATER_{name}_{of}"), port.to_string())));
        script.env(format!("HIGHWATER_{name}_PASSWORD"), PASSWORD);
        Ok(script)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let reset = |mut script: Command| quietly(script.arg("reset").args(self.nodes));
        if let Err(error) = self.services().and_then(reset) {
            eprintln!("the broker still runs: {error:#}");
        }
    }
}

/// A running schema registry. Dropping it stops it and removes its data.
pub(crate) struct SchemaRegistry {
    run: PathBuf,
    java: String,
    ports: [u16; 6],
}

impl SchemaRegistry {
    /// Starts a registry with its data below `run`, by the program `java`.
    pub(crate) fn start(run: &Path, java: &str) -> Result<Self> {
        let registry = Self { run: run.to_owned(), java: java.to_owned(), ports: free_ports()? };
        quietly(registry.services()?.args(["up", "registry"]))?;
        Ok(registry)
    }

    /// Its address for clients.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.ports[0])
    }

    fn services(&self) -> Result<Command> {
        let mut script = services::script()?;
        let [port, management, ..] = self.ports;
        script
            .env("HIGHWATER_SERVICES_RUN", &self.run)
            .env("HIGHWATER_REGISTRY_JAVA", &self.java)
            .env("HIGHWATER_REGISTRY_PORT", port.to_string())
            .env("HIGHWATER_REGISTRY_MANAGEMENT_PORT", management.to_string());
        Ok(script)
    }
}

impl Drop for SchemaRegistry {
    fn drop(&mut self) {
        let reset = ["reset", "registry"];
        let stopped = self.services().and_then(|mut script| quietly(script.args(reset)));
        if let Err(error) = stopped {
            eprintln!("the registry still runs: {error:#}");
        }
    }
}

/// What a service says is part of an error, or of no interest: suites beside each other talk enough.
fn quietly(command: &mut Command) -> Result<()> {
    step::output(command).map(drop)
}

/// The first port that services get, and how many runs of ports there are for them: below the ports that
/// the kernel gives to outgoing connections. While a broker is down, a client that retries from such a
/// port can connect to itself and keep the port.
const FIRST: u16 = 20_000;
const RUNS: u32 = 1_999;

/// How many runs of ports this process has tried.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// Ports nobody listens on. They are free until the service listens, so no two callers try the same run:
/// in this process because they are counted, in others because those begin elsewhere.
fn free_ports() -> Result<[u16; 6]> {
    let begin = std::process::id().wrapping_mul(16);
    for _ in 0..RUNS {
        let run = begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % RUNS;
        let first = FIRST + u16::try_from(run * 6).context("a run of ports beyond all")?;
        let ports = [0, 1, 2, 3, 4, 5].map(|more| first + more);
        if ports.iter().all(|port| is_free(*port)) {
            return Ok(ports);
        }
    }
    bail!("every port between 20000 and 31999 is taken: stop what listens there")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
