//! Sources from their addresses.

use std::path::Path;
use std::sync::Arc;

use highwater_codec::Format;
use highwater_core::Secret;
use highwater_datagen::{Generator, Records};
use highwater_files::FileSource;
use highwater_kafka::{self as kafka, KafkaSource};
use highwater_pipeline::{Pipeline, Stream};

use crate::{
    Encoding, Failure, GeneratorUri, KafkaUri, ReadOptions, SourceOptions, SourceUri, Start,
};

impl SourceOptions {
    /// Adds the source to a pipeline under a name, its records decoded by `format`. A generator makes
    /// `records`. Contacts nothing.
    ///
    /// # Errors
    /// Options that do not go together.
    // Generic, so that what runs for each record is compiled with the binary, by its settings.
    pub fn stream<R: Records + 'static>(
        &self,
        pipeline: &Pipeline,
        name: &str,
        records: R,
        format: Arc<dyn Format>,
    ) -> Result<Stream, Failure> {
        let columns = self.source_columns;
        Ok(match &self.from {
            SourceUri::Generator(uri) => {
                self.only_json("avro is for Kafka; a generator makes JSON")?;
                let source = self.read.generator(uri, records)?.decode(format);
                pipeline.source(name, if columns { source.source_columns() } else { source })
            }
            SourceUri::Kafka(uri) => {
                let source = self.read.topic(uri)?.decode(format);
                pipeline.source(name, if columns { source.source_columns() } else { source })
            }
            SourceUri::Directory(path) => {
                self.only_json("avro is for Kafka; files hold lines of JSON")?;
                let source = self.read.files(path)?.decode(format);
                pipeline.source(name, if columns { source.source_columns() } else { source })
            }
        })
    }

    fn only_json(&self, problem: &'static str) -> Result<(), Failure> {
        match self.encoding.encoding {
            Encoding::Json => Ok(()),
            Encoding::Avro => Err(Failure::Option { option: "--encoding", problem }),
        }
    }
}

impl ReadOptions {
    /// The generator at `uri`, which makes `records`.
    ///
    /// # Errors
    /// Options that only Kafka or a directory has.
    pub fn generator<R: Records>(
        &self,
        uri: &GeneratorUri,
        records: R,
    ) -> Result<Generator<R>, Failure> {
        self.without_kafka("is for Kafka; leave it out with a generator")?;
        self.without_files()?;
        Ok(uri.generator(records))
    }

    /// The topic at `uri`, or the topics of a pattern there.
    ///
    /// # Errors
    /// Options that only a directory has, no topic and no pattern or both, properties that clients do not have.
    pub fn topic(&self, uri: &KafkaUri) -> Result<KafkaSource, Failure> {
        self.without_files()?;
        let start = match &self.start {
            Start::Earliest => kafka::Start::Earliest,
            Start::Latest => kafka::Start::Latest,
            Start::Timestamp(millis) => kafka::Start::Timestamp(*millis),
            Start::Offsets(offsets) => kafka::Start::Offsets(offsets.clone()),
            Start::TopicOffsets(topics) => kafka::Start::TopicOffsets(topics.clone()),
        };
        let source = match (&self.topic_pattern, uri.topic.as_str()) {
            (Some(pattern), "") => KafkaSource::pattern(&uri.brokers, pattern)?,
            (Some(_), _) => {
                let problem = "goes with a source that names no topic, such as kafka://host:9092";
                return Err(Failure::Option { option: "--topic-pattern", problem });
            }
            (None, "") => {
                let problem =
                    "names no topic: write kafka://host:9092/topic, or add --topic-pattern";
                return Err(Failure::Option { option: "--from", problem });
            }
            (None, topic) => KafkaSource::new(&uri.brokers, topic),
        };
        let source = source.start(start).on_data_loss(self.on_data_loss.into());
        let set = |source: KafkaSource, (key, value): &(String, Secret<String>)| {
            source.property(key, value.expose())
        };
        Ok(self.properties.iter().try_fold(source, set)?)
    }

    /// The files in a directory.
    ///
    /// # Errors
    /// Options that only Kafka has.
    pub fn files(&self, directory: &Path) -> Result<FileSource, Failure> {
        self.without_kafka("is for Kafka; leave it out with a directory")?;
        let mut source = FileSource::new(directory).on_data_loss(self.on_data_loss.into());
        if let Some(files) = self.max_files_per_epoch {
            source = source.max_files_per_epoch(files);
        }
        Ok(if self.subdirectories { source.subdirectories() } else { source })
    }

    /// Refuses options that only Kafka has.
    fn without_kafka(&self, problem: &'static str) -> Result<(), Failure> {
        if self.start != Start::Earliest {
            return Err(Failure::Option { option: "--start", problem });
        }
        if self.topic_pattern.is_some() {
            return Err(Failure::Option { option: "--topic-pattern", problem });
        }
        if !self.properties.is_empty() {
            return Err(Failure::Option { option: "-X", problem });
        }
        Ok(())
    }

    /// Refuses options that only files have.
    fn without_files(&self) -> Result<(), Failure> {
        let problem = "is for a directory; leave it out";
        if self.max_files_per_epoch.is_some() {
            return Err(Failure::Option { option: "--max-files-per-epoch", problem });
        }
        match self.subdirectories {
            true => Err(Failure::Option { option: "--subdirectories", problem }),
            false => Ok(()),
        }
    }
}

impl GeneratorUri {
    /// The generator with these settings, which makes `records`.
    pub fn generator<R: Records>(&self, records: R) -> Generator<R> {
        let mut generator =
            Generator::new(records).seed(self.seed).bad(self.bad).duplicates(self.duplicates);
        if let Some(rows) = self.rows {
            generator = generator.rows(rows);
        }
        if let Some(rate) = self.rate {
            generator = generator.rate(rate);
        }
        generator
    }
}
