//! The Kafka broker of a run: its own port and data, gone when the run is.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{services, step};

/// A running broker. Dropping it stops it and removes its data.
pub(super) struct Broker {
    run: PathBuf,
    port: u16,
    controller: u16,
}

impl Broker {
    /// Starts a broker with its data below `run`.
    pub(super) fn start(run: &Path) -> Result<Self> {
        let (port, controller) = free_ports()?;
        let broker = Self { run: run.to_owned(), port, controller };
        step::succeed(broker.services()?.args(["up", "kafka"]))?;
        Ok(broker)
    }

    /// `host:port` for clients.
    pub(super) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stops it and starts it again on the same data and port.
    pub(super) fn restart(&self) -> Result<()> {
        step::succeed(self.services()?.args(["restart", "kafka"]))
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
        script
            .env("HIGHWATER_SERVICES_RUN", &self.run)
            .env("HIGHWATER_KAFKA_PORT", self.port.to_string())
            .env("HIGHWATER_KAFKA_CONTROLLER_PORT", self.controller.to_string());
        Ok(script)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let stopped =
            self.services().and_then(|mut script| step::succeed(script.args(["reset", "kafka"])));
        if let Err(error) = stopped {
            eprintln!("the broker still runs: {error:#}");
        }
    }
}

/// Two ports nobody listens on, below those the kernel gives to outgoing connections: while the
/// broker is down, a client that retries from such a port can connect to itself and keep the port.
fn free_ports() -> Result<(u16, u16)> {
    let start = u16::try_from(std::process::id() % 5_000).unwrap_or(0) * 2 + 20_000;
    let pairs = (start..31_998).chain(20_000..start).map(|port| (port, port + 1));
    let mut free = pairs.filter(|(port, next)| is_free(*port) && is_free(*next));
    free.next().context("every port between 20000 and 31999 is taken: stop what listens there")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
