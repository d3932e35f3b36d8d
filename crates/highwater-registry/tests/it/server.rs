//! A small HTTP server that says what it is told to, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use highwater_testkit::broker::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::net::TcpSocket;

pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    /// For each path what is said next; the last answer stays.
    answers: Mutex<HashMap<String, VecDeque<(u16, String)>>>,
    /// Each path that was asked for, with what stood in `Authorization`.
    asked: Mutex<Vec<(String, Option<String>)>>,
    closing: AtomicBool,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::serve("http", None)
    }

    pub(crate) fn start_tls(certificate: &Certificate) -> Self {
        let chain = CertificateDer::pem_slice_iter(certificate.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
            .unwrap();
        Self::serve("https", Some(Arc::new(config)))
    }

    fn serve(scheme: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let accepting = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if shared.closing.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || match tls {
                    // Who does not trust this server leaves in the middle; that is no failure of it.
                    None => drop(shared.answer(stream)),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        drop(shared.answer(StreamOwned::new(connection, stream)));
                    }
                });
            }
        });
        Self { address, scheme, state, accepting: Some(accepting) }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Says this of `path` once it has said all that came before.
    pub(crate) fn say(&self, path: &str, status: u16, body: &str) {
        let mut answers = self.state.answers.lock().unwrap();
        answers.entry(path.to_owned()).or_default().push_back((status, body.to_owned()));
    }

    /// Has the schema `id`.
    pub(crate) fn register(&self, id: u32, schema: &str) {
        let body = serde_json::json!({ "schema": schema }).to_string();
        self.say(&format!("/schemas/ids/{id}"), 200, &body);
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    /// Who has asked last.
    pub(crate) fn asked_by(&self) -> Option<String> {
        self.state.asked.lock().unwrap().last().and_then(|(_, who)| who.clone())
    }
}

impl State {
    fn answer(&self, mut stream: impl Read + Write) -> std::io::Result<()> {
        let mut path = String::new();
        let mut who = None;
        for line in BufReader::new(&mut stream).lines() {
            let line = line?;
            if path.is_empty() {
                line.split(' ').nth(1).unwrap_or_default().clone_into(&mut path);
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("authorization")
            {
                who = Some(value.to_owned());
            }
        }
        self.asked.lock().unwrap().push((path.clone(), who));
        let missing = r#"{"error_code":40403,"message":"Schema not found"}"#;
        let (status, body) = match self.answers.lock().unwrap().get_mut(&path) {
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some(answers) => answers[0].clone(),
            None => (404, missing.to_owned()),
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        stream.flush()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        self.accepting.take().unwrap().join().unwrap();
    }
}

/// A port that nobody listens on, and that nobody else gets as long as this is there.
pub(crate) struct Nobody(TcpSocket);

impl Nobody {
    pub(crate) fn at_home() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}
