//! The jars that Spark needs besides its Python package, fetched once by Maven.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// For Iceberg tables, and for the SQLite database of a JDBC catalog.
pub(crate) const ICEBERG: &[&str] = &[
    "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0",
    "org.xerial:sqlite-jdbc:3.50.3.0",
];

/// For Delta tables.
pub(crate) const DELTA: &[&str] =
    &["io.delta:delta-spark_4.1_2.13:4.4.0", "io.delta:delta-storage:4.4.0"];

/// For topics of Kafka. Maven copies each without what it needs, so that is named as well; the provider of
/// tokens is the same in all of 4.1, and its later releases are not to be had everywhere.
pub(crate) const KAFKA: &[&str] = &[
    "org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.3",
    "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.1.1",
    "org.apache.kafka:kafka-clients:3.9.1",
    "org.apache.commons:commons-pool2:2.12.1",
];

/// The variable by which the scripts find the jars, with commas between them.
pub(crate) const VARIABLE: &str = "SPARK_JARS";

/// The jar of `group:name:version`; fetches it when it is missing.
pub(crate) fn jar(artifact: &str) -> Result<PathBuf> {
    let home = workspace::cache("services")?;
    let (_, name) = artifact.split_once(':').context("an artifact without a group")?;
    let file = format!("{}.jar", name.replace(':', "-"));
    let jar = home.join("jars").join(&file);
    if !jar.exists() {
        let fresh = home.join(format!("jars-{}", std::process::id()));
        let mut maven = workspace::command("mvn")?;
        maven.args(["-q", "-B", "dependency:copy"]);
        maven.arg(format!("-Dmaven.repo.local={}", home.join("m2").display()));
        maven.arg(format!("-Dartifact={artifact}"));
        step::succeed(maven.arg(format!("-DoutputDirectory={}", fresh.display())))?;
        fs::create_dir_all(home.join("jars")).context("cannot write to the cache folder")?;
        fs::rename(fresh.join(&file), &jar).with_context(|| format!("Maven copied no {file}"))?;
        fs::remove_dir_all(&fresh).context("cannot remove what Maven left")?;
    }
    Ok(jar)
}
