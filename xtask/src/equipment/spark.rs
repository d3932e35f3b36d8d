//! What Spark needs for Iceberg tables, fetched once by Maven.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// Iceberg in Spark, and the driver by which its JDBC catalog opens a SQLite database.
const ARTIFACTS: [&str; 2] =
    ["org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0", "org.xerial:sqlite-jdbc:3.50.3.0"];

/// The variable by which the scripts find the jars, with commas between them.
pub(crate) const VARIABLE: &str = "SPARK_JARS";

/// The jars as Spark takes them; fetches those that are missing.
pub(crate) fn jars() -> Result<String> {
    let jars = ARTIFACTS.into_iter().map(jar);
    let jars = jars.map(|jar| Ok(jar?.to_str().context("a path is not UTF-8")?.to_owned()));
    Ok(jars.collect::<Result<Vec<_>>>()?.join(","))
}

fn jar(artifact: &str) -> Result<PathBuf> {
    let mut parts = artifact.split(':').skip(1);
    let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
        anyhow::bail!("{artifact} is no group:name:version");
    };
    let home = workspace::cache("services")?;
    let file = format!("{name}-{version}.jar");
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
