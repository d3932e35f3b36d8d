//! The Kafka brokers of a run, and its schema registry: their own ports and data, gone when the run is.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{services, step};

/// A running broker. Dropping it stops it and removes its data.
pub(super) struct Broker {
    service: &'static str,
    run: PathBuf,
    /// For clients, for the controller, and one more for those that are open to everybody besides.
    ports: [u16; 3],
}

/// The password of the user alice of a secured broker.
pub(super) const PASSWORD: &str = "c4n4ry-p4ssw0rd";

impl Broker {
    /// Starts a broker with its data below `run`.
    pub(super) fn start(run: &Path) -> Result<Self> {
        Self::up("kafka", run)
    }

    /// Starts a broker behind TLS and SASL.
    pub(super) fn start_secured(run: &Path) -> Result<Self> {
        Self::up("kafka_secured", run)
    }

    fn up(service: &'static str, run: &Path) -> Result<Self> {
        let broker = Self { service, run: run.to_owned(), ports: free_ports()? };
        step::succeed(broker.services()?.args(["up", service]))?;
        Ok(broker)
    }

    /// The certificate of the authority that signed that of a secured broker.
    pub(super) fn authority(&self) -> PathBuf {
        self.run.join(self.service).join("ca.pem")
    }

    /// The port without TLS and SASL of a secured broker.
    pub(super) fn open_port(&self) -> u16 {
        self.ports[2]
    }

    /// The port for clients.
    pub(super) fn port(&self) -> u16 {
        self.ports[0]
    }

    /// `host:port` for clients.
    pub(super) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// Stops it and starts it again on the same data and port.
    pub(super) fn restart(&self) -> Result<()> {
        step::succeed(self.services()?.args(["restart", self.service]))
    }

    /// Makes a topic.
    pub(super) fn create_topic(&self, topic: &str, partitions: u32) -> Result<()> {
        let partitions = partitions.to_string();
        let mut tool = self.services()?;
        tool.args(["run", "kafka", "topics", "--create", "--topic", topic]);
        step::output(tool.args(["--partitions", &partitions])).map(drop)
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
        let reset = ["reset", self.service];
        let stopped = self.services().and_then(|mut script| step::succeed(script.args(reset)));
        if let Err(error) = stopped {
            eprintln!("the broker still runs: {error:#}");
        }
    }
}

/// A running schema registry. Dropping it stops it and removes its data.
pub(super) struct SchemaRegistry {
    run: PathBuf,
    java: String,
    ports: [u16; 3],
}

impl SchemaRegistry {
    /// Starts a registry with its data below `run`, by the program `java`.
    pub(super) fn start(run: &Path, java: &str) -> Result<Self> {
        let registry = Self { run: run.to_owned(), java: java.to_owned(), ports: free_ports()? };
        step::succeed(registry.services()?.args(["up", "registry"]))?;
        Ok(registry)
    }

    /// Its address for clients.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.ports[0])
    }

    fn services(&self) -> Result<Command> {
        let mut script = services::script()?;
        let [port, management, _] = self.ports;
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
        let stopped = self.services().and_then(|mut script| step::succeed(script.args(reset)));
        if let Err(error) = stopped {
            eprintln!("the registry still runs: {error:#}");
        }
    }
}

/// Ports nobody listens on, below those the kernel gives to outgoing connections: while the broker is
/// down, a client that retries from such a port can connect to itself and keep the port.
fn free_ports() -> Result<[u16; 3]> {
    let start = u16::try_from(std::process::id() % 3_900).unwrap_or(0) * 3 + 20_000;
    let triples = (start..31_997).chain(20_000..start).map(|port| [port, port + 1, port + 2]);
    let mut free = triples.filter(|ports| ports.iter().all(|port| is_free(*port)));
    free.next().context("every port between 20000 and 31999 is taken: stop what listens there")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
