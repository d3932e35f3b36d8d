//! What Spark needs to read Iceberg tables, fetched once by Maven.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{step, workspace};

const ARTIFACT: &str = "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0";
const JAR: &str = "iceberg-spark-runtime-4.1_2.13-1.12.0.jar";

/// The variable by which the scripts find the jar.
pub(super) const VARIABLE: &str = "ICEBERG_SPARK_RUNTIME";

/// The jar; fetches it when it is missing.
pub(super) fn runtime() -> Result<PathBuf> {
    let home = workspace::cache("services")?;
    let jar = home.join("jars").join(JAR);
    if !jar.exists() {
        let fresh = home.join(format!("jars-{}", std::process::id()));
        let mut maven = workspace::command("mvn")?;
        maven.args(["-q", "-B", "dependency:copy"]);
        maven.arg(format!("-Dmaven.repo.local={}", home.join("m2").display()));
        maven.arg(format!("-Dartifact={ARTIFACT}"));
        step::succeed(maven.arg(format!("-DoutputDirectory={}", fresh.display())))?;
        fs::create_dir_all(home.join("jars")).context("cannot write to the cache folder")?;
        fs::rename(fresh.join(JAR), &jar).with_context(|| format!("Maven copied no {JAR}"))?;
        fs::remove_dir_all(&fresh).context("cannot remove what Maven left")?;
    }
    Ok(jar)
}
