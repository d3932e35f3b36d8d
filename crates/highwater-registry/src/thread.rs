//! The thread that asks: one question at a time, each once.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};

use highwater_codec::{AvroSchema, Writer};
use tokio::runtime::{Builder, Runtime};

use crate::client::RegistryClient;
use crate::kept::{Answer, Kept};
use crate::{RegistryError, RegistryOptions};

const NAME: &str = "highwater-registry";
/// The questions that may wait without making those who ask wait to put them.
const WAITING: usize = 64;
/// The most schemas that a registry may not have in one life.
const MAX_UNKNOWN: usize = 1_000;

/// What is known, for all who ask.
pub(crate) type Answers = Arc<RwLock<HashMap<u32, Writer>>>;

/// What is known of one number. A panic elsewhere leaves no half an answer.
pub(crate) fn known(answers: &Answers, id: u32) -> Option<Writer> {
    answers.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
}

type Reply<T> = SyncSender<Result<T, Arc<RegistryError>>>;

/// A question, and where its answer goes.
#[derive(Debug)]
pub(crate) enum Question {
    Writer(u32, Reply<Writer>),
    Latest(String, Reply<AvroSchema>),
}

/// Starts the thread, which notes what it finds out in `answers`. It ends when the sender is dropped.
pub(crate) fn start(
    options: &RegistryOptions,
    answers: &Answers,
) -> Result<SyncSender<Question>, RegistryError> {
    let client = RegistryClient::try_new(options)?;
    let kept = Kept::new(options.keep_in.clone());
    let failed = |error: std::io::Error| RegistryError::Setup { cause: Box::new(error) };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (sender, questions) = sync_channel(WAITING);
    let asking = Asking { client, kept, answers: Arc::clone(answers), unknown: 0 };
    let work = move || asking.run(&runtime, &questions);
    std::thread::Builder::new().name(NAME.to_owned()).spawn(work).map_err(failed)?;
    Ok(sender)
}

struct Asking {
    client: RegistryClient,
    kept: Kept,
    answers: Answers,
    unknown: usize,
}

impl Asking {
    fn run(mut self, runtime: &Runtime, questions: &Receiver<Question>) {
        let mut waiting = VecDeque::new();
        while let Some(question) = waiting.pop_front().or_else(|| questions.recv().ok()) {
            match question {
                Question::Latest(subject, reply) => {
                    let answer = runtime.block_on(self.client.latest(&subject));
                    // Whoever has asked may be gone.
                    let _gone = reply.send(answer.map_err(Arc::new));
                }
                Question::Writer(id, reply) => {
                    let answer = runtime.block_on(self.writer(id)).map_err(Arc::new);
                    // Others have asked the same meanwhile: one answer is enough, above all a late one. Whoever
                    // asks once it is given gets another.
                    while let Ok(question) = questions.try_recv() {
                        waiting.push_back(question);
                    }
                    let _gone = reply.send(answer.clone());
                    waiting.retain(|question| match question {
                        Question::Writer(same, reply) if *same == id => {
                            let _gone = reply.send(answer.clone());
                            false
                        }
                        _ => true,
                    });
                }
            }
        }
    }

    /// What is known, else what the kept answer says, else what the registry says once that is kept.
    async fn writer(&mut self, id: u32) -> Result<Writer, RegistryError> {
        if let Some(writer) = known(&self.answers, id) {
            return Ok(writer);
        }
        let writer = self.find_out(id).await?;
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        answers.insert(id, writer.clone());
        Ok(writer)
    }

    async fn find_out(&mut self, id: u32) -> Result<Writer, RegistryError> {
        if let Some(answer) = self.kept.read(id).await? {
            return Ok(answer.writer());
        }
        let answer = match self.client.schema(id).await? {
            None => {
                self.unknown += 1;
                if self.unknown > MAX_UNKNOWN {
                    let (url, limit) = (self.client.url(), MAX_UNKNOWN);
                    return Err(RegistryError::Unknown { url, limit });
                }
                Answer::Unknown
            }
            Some(registered) => match registered.other_language() {
                Some(language) => Answer::Other { language: language.to_owned() },
                None => {
                    let what = format!("schema {id}");
                    let references = self.client.references(&registered, &what).await?;
                    Answer::Avro { schema: registered.schema, references }
                }
            },
        };
        let answer = self.kept.write(id, answer).await?;
        let writer = answer.writer();
        if !matches!(writer, Writer::Schema(_)) {
            tracing::warn!(id, ?answer, "records that name this schema are rejected");
        }
        Ok(writer)
    }
}
