//! A run from its first line to its exit code.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use highwater_pipeline::{Options, Plan};
use indicatif::ProgressBar;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::display::Display;
use crate::endpoint::Endpoint;
use crate::signals::{Asked, Signals};
use crate::{Failure, RunOptions};

/// How long the process stays after it was asked to end.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);
const LOG: &str = "HIGHWATER_LOG";
/// What the kernel of Delta calls an error may pass when it is asked once more; what does not, our own errors tell.
const UNLESS_SAID: &str = "warn,delta_kernel=off";

/// Runs a pipeline until it is done, has failed, or is asked to stop by SIGTERM or Ctrl-C: then the
/// running epoch is finished or abandoned, and the process ends within 10 s. The lines of `introduction`
/// are written to standard error first, unless nothing is to be shown.
///
/// # Errors
/// What ended the run, a mistake in the environment, or a second Ctrl-C.
pub fn run(plan: &Plan, options: &RunOptions, introduction: &[String]) -> Result<(), Failure> {
    let pipeline = options.to_pipeline()?;
    let display = Display::new(plan.name().as_str(), options.progress);
    log_to(display.bar())?;
    let endpoint = options.metrics.map(Endpoint::open).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| Failure::Io { action: "start threads".to_owned(), source })?;
    display.introduce(introduction);
    if let Some(endpoint) = endpoint {
        display.introduce(&[format!("serves metrics at {}", endpoint.url())]);
        runtime.spawn(endpoint.serve());
    }
    let result = runtime.block_on(supervise(plan, pipeline, display));
    // What still runs was abandoned; nobody waits for it.
    runtime.shutdown_background();
    result
}

async fn supervise(plan: &Plan, options: Options, mut display: Display) -> Result<(), Failure> {
    let listening = |source| Failure::Io { action: "listen for signals".to_owned(), source };
    let mut signals = Signals::listen().map_err(listening)?;
    let handle = plan.start(options)?;
    let mut events = handle.subscribe();
    let stopper = handle.stopper();
    let mut end = std::pin::pin!(handle.wait());
    let mut stopping: Option<Instant> = None;
    let mut result = loop {
        tokio::select! {
            result = &mut end => break result.map_err(Failure::from),
            event = events.recv() => match event {
                Ok(event) => {
                    // Whoever read the progress has gone, so the run is no longer wanted.
                    if display.show(event).is_err() && stopping.is_none() {
                        stopping = Some(Instant::now() + LEAVE_WITHIN);
                        stopper.stop();
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    display.say(&format!("{missed} events came too fast to be shown"));
                }
                Err(RecvError::Closed) => {}
            },
            asked = signals.next() => match stopping {
                None => {
                    let hint = "stopping after this epoch, within 10 s; Ctrl-C again leaves at once";
                    display.say(hint);
                    stopping = Some(Instant::now() + LEAVE_WITHIN);
                    stopper.stop();
                }
                Some(_) if asked == Asked::Interrupt => break Err(Failure::Interrupted),
                Some(_) => {}
            },
            () = sleep_until(stopping.unwrap_or_else(Instant::now)), if stopping.is_some() => {
                display.say("left the running epoch to the next start");
                break Ok(());
            }
        }
    };
    while let Ok(event) = events.try_recv() {
        if let Err(source) = display.show(event)
            && result.is_ok()
            && source.kind() != io::ErrorKind::BrokenPipe
        {
            result = Err(Failure::Io { action: "write progress".to_owned(), source });
        }
    }
    display.end();
    result
}

/// Sends logs to standard error, out of the way of the live line. A span is a line when it closes,
/// with the time it took.
fn log_to(bar: ProgressBar) -> Result<(), Failure> {
    let text = std::env::var(LOG).unwrap_or_else(|_| UNLESS_SAID.to_owned());
    let filter = EnvFilter::try_new(&text).map_err(|source| Failure::LogFilter { text, source })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(Behind(bar));
    // Whoever has set a subscriber before wants that one.
    let _already_set = subscriber.try_init();
    Ok(())
}

/// Standard error behind a live line.
struct Behind(ProgressBar);

impl<'a> MakeWriter<'a> for Behind {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl io::Write for &Behind {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
