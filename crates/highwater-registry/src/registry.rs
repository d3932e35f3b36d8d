//! The schemas of a registry, each asked for once.

use std::sync::mpsc::{SyncSender, sync_channel};

use highwater_codec::{AvroSchema, SchemaId, Schemas, Writer};
use highwater_core::Result;

use crate::error::shared;
use crate::thread::{self, Answers, Question, known};
use crate::{RegistryError, RegistryOptions};

/// A schema registry that speaks Confluent's API: Confluent's own, Apicurio's, Karapace and others.
///
/// Every answer about a number holds for ever, as numbers are never given again; so does the answer that
/// there is no such schema, once it is kept. To have such a number asked for again, delete its object.
///
/// A registry that is away is asked again until the patience is over; that is `Transient` then, and the
/// run tries again as it does after any such error. A fingerprint is unknown here: registries have none.
#[derive(Debug)]
pub struct Registry {
    questions: SyncSender<Question>,
    answers: Answers,
}

impl Registry {
    /// Starts a client. Contacts nothing yet.
    ///
    /// # Errors
    /// `Invalid` for an address that is none, or certificates that cannot be used. `Internal` when no
    /// thread can be started.
    pub fn try_new(options: RegistryOptions) -> Result<Self> {
        let answers = Answers::default();
        let questions = thread::start(&options, &answers)?;
        Ok(Self { questions, answers })
    }

    /// The newest schema of `subject`, such as `orders-value` for the values of topic `orders`. It changes
    /// whenever somebody registers another one, so what is read by it is not a function of the records.
    ///
    /// # Errors
    /// `Transient` while the registry is away. `Refused` when there is no such subject. `Invalid` when the
    /// registry does not let this client in, or is none.
    pub fn latest(&self, subject: &str) -> Result<AvroSchema> {
        let (reply, answer) = sync_channel(1);
        self.ask(Question::Latest(subject.to_owned(), reply))?;
        answer.recv().or(Err(RegistryError::Ended))?.map_err(shared)
    }

    fn ask(&self, question: Question) -> Result<(), RegistryError> {
        self.questions.send(question).or(Err(RegistryError::Ended))
    }
}

impl Schemas for Registry {
    fn writer(&self, id: SchemaId) -> Result<Writer> {
        let SchemaId::Registry(id) = id else { return Ok(Writer::Unknown) };
        if let Some(known) = known(&self.answers, id) {
            return Ok(known);
        }
        let (reply, answer) = sync_channel(1);
        self.ask(Question::Writer(id, reply))?;
        answer.recv().or(Err(RegistryError::Ended))?.map_err(shared)
    }
}
