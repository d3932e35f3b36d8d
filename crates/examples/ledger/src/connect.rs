//! Sources from their addresses.

use std::path::Path;

use highwater_cli::{Encoding, Failure, GeneratorUri, KafkaUri, OnDataLoss, ReadOptions, Start};
use highwater_core::Secret;
use highwater_datagen::{Generator, Transactions};
use highwater_files::{self as files, FileSource};
use highwater_kafka::{self as kafka, KafkaSource};

/// The transactions at `uri`, which needs no options of a Kafka client.
pub(crate) fn generator(
    uri: &GeneratorUri,
    read: &ReadOptions,
    encoding: Encoding,
) -> Result<Generator<Transactions>, Failure> {
    if encoding != Encoding::Json {
        let problem = "avro is for Kafka; a generator makes JSON";
        return Err(Failure::Option { option: "--encoding", problem });
    }
    without_kafka(read, "is for Kafka; leave it out with a generator")?;
    without_files(read)?;
    Ok(transactions(uri))
}

/// Refuses options that only Kafka has.
fn without_kafka(read: &ReadOptions, problem: &'static str) -> Result<(), Failure> {
    if read.start != Start::Earliest {
        return Err(Failure::Option { option: "--start", problem });
    }
    if read.topic_pattern.is_some() {
        return Err(Failure::Option { option: "--topic-pattern", problem });
    }
    if !read.properties.is_empty() {
        return Err(Failure::Option { option: "-X", problem });
    }
    Ok(())
}

/// Refuses options that only files have.
fn without_files(read: &ReadOptions) -> Result<(), Failure> {
    let problem = "is for a directory; leave it out";
    if read.max_files_per_epoch.is_some() {
        return Err(Failure::Option { option: "--max-files-per-epoch", problem });
    }
    match read.subdirectories {
        true => Err(Failure::Option { option: "--subdirectories", problem }),
        false => Ok(()),
    }
}

/// The files in a directory.
pub(crate) fn files(
    directory: &Path,
    read: &ReadOptions,
    encoding: Encoding,
) -> Result<FileSource, Failure> {
    if encoding != Encoding::Json {
        let problem = "avro is for Kafka; files hold lines of JSON";
        return Err(Failure::Option { option: "--encoding", problem });
    }
    without_kafka(read, "is for Kafka; leave it out with a directory")?;
    let mut source = FileSource::new(directory).on_data_loss(match read.on_data_loss {
        OnDataLoss::Fail => files::OnDataLoss::Fail,
        OnDataLoss::Skip => files::OnDataLoss::Skip,
    });
    if let Some(files) = read.max_files_per_epoch {
        source = source.max_files_per_epoch(files);
    }
    Ok(if read.subdirectories { source.subdirectories() } else { source })
}

/// The transactions at `uri`.
pub(crate) fn transactions(uri: &GeneratorUri) -> Generator<Transactions> {
    let mut generator =
        Generator::new(Transactions).seed(uri.seed).bad(uri.bad).duplicates(uri.duplicates);
    if let Some(rows) = uri.rows {
        generator = generator.rows(rows);
    }
    if let Some(rate) = uri.rate {
        generator = generator.rate(rate);
    }
    generator
}

/// The topic at `uri`.
pub(crate) fn kafka(uri: &KafkaUri, read: &ReadOptions) -> Result<KafkaSource, Failure> {
    without_files(read)?;
    let start = match &read.start {
        Start::Earliest => kafka::Start::Earliest,
        Start::Latest => kafka::Start::Latest,
        Start::Timestamp(millis) => kafka::Start::Timestamp(*millis),
        Start::Offsets(offsets) => kafka::Start::Offsets(offsets.clone()),
        Start::TopicOffsets(topics) => kafka::Start::TopicOffsets(topics.clone()),
    };
    let on_data_loss = match read.on_data_loss {
        OnDataLoss::Fail => kafka::OnDataLoss::Fail,
        OnDataLoss::Skip => kafka::OnDataLoss::Skip,
    };
    let source = match (&read.topic_pattern, uri.topic.as_str()) {
        (Some(pattern), "") => KafkaSource::pattern(&uri.brokers, pattern)?,
        (Some(_), _) => {
            let problem = "goes with a source that names no topic, such as kafka://host:9092";
            return Err(Failure::Option { option: "--topic-pattern", problem });
        }
        (None, "") => {
            let problem = "names no topic: write kafka://host:9092/topic, or add --topic-pattern";
            return Err(Failure::Option { option: "--from", problem });
        }
        (None, topic) => KafkaSource::new(&uri.brokers, topic),
    };
    let source = source.start(start).on_data_loss(on_data_loss);
    let set = |source: KafkaSource, (key, value): &(String, Secret<String>)| {
        source.property(key, value.expose())
    };
    Ok(read.properties.iter().try_fold(source, set)?)
}
