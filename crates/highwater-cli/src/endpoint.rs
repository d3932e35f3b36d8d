//! The metrics of this process as a page for Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use highwater_pipeline::describe_metrics;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};

use crate::Failure;

/// Upper ends of the buckets of every distribution, in seconds.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Who asks has so long to ask and to read.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const ASKING_AT_ONCE: usize = 16;
/// More than any request for a page has before its end.
const LONGEST_HEAD: usize = 8 << 10;
/// How often values are folded into their buckets when nobody asks.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// A port at which the metrics of this process can be read.
pub(crate) struct Endpoint {
    listener: std::net::TcpListener,
    address: SocketAddr,
    page: PrometheusHandle,
}

impl Endpoint {
    /// Takes the port, and makes this process count.
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Failure> {
        let listening =
            |source| Failure::Io { action: format!("serve metrics at {address}"), source };
        let listener = std::net::TcpListener::bind(address).map_err(listening)?;
        listener.set_nonblocking(true).map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let recorder = PrometheusBuilder::new().set_buckets(&SECONDS).unwrap_or_default();
        let recorder = recorder.build_recorder();
        let page = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            let problem = "cannot be served: this process has a recorder of metrics of its own";
            return Err(Failure::Option { option: "--metrics", problem });
        }
        describe_metrics();
        Ok(Self { listener, address, page })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Answers whoever asks, for as long as it is polled.
    pub(crate) async fn serve(self) {
        let Ok(listener) = TcpListener::from_std(self.listener) else { return };
        let room = Arc::new(Semaphore::new(ASKING_AT_ONCE));
        let mut upkeep = interval(UPKEEP_EVERY);
        loop {
            tokio::select! {
                _ = upkeep.tick() => self.page.run_upkeep(),
                accepted = listener.accept() => match (accepted, Arc::clone(&room).try_acquire_owned()) {
                    (Ok((stream, _)), Ok(permit)) => {
                        let page = self.page.clone();
                        tokio::spawn(async move {
                            // Whoever is too slow, or gone, gets nothing.
                            let _unanswered = timeout(ANSWER_WITHIN, answer(stream, &page)).await;
                            drop(permit);
                        });
                    }
                    // Too many ask at once.
                    (Ok(_), Err(_)) => {}
                    // No file is left to be opened, say: that passes.
                    (Err(_), _) => sleep(Duration::from_millis(100)).await,
                }
            }
        }
    }
}

async fn answer(mut stream: TcpStream, page: &PrometheusHandle) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || head.len() > LONGEST_HEAD {
            return Ok(());
        }
        head.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
    let response = respond(&String::from_utf8_lossy(&head), || page.render());
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

/// The whole answer to a request.
fn respond(head: &str, page: impl FnOnce() -> String) -> String {
    let mut words = head.split_ascii_whitespace();
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => ("200 OK", page()),
        (Some("GET"), _) => ("404 Not Found", "the metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "only GET is allowed\n".to_owned()),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests;
