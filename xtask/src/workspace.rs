//! Where the workspace is, what cargo says about it, and where tools are kept between runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::step;

/// The folder of the workspace manifest.
pub(crate) fn root() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(own.parent().context("xtask is not inside a workspace")?.to_owned())
}

/// A command that runs in the root of the workspace.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(root()?);
    Ok(command)
}

/// The cargo that runs this task, in the environment that it was started in. It has told this process of
/// our own package by variables that the build script of ring watches: with them, ring and all that
/// needs it would be built anew, and without them once more.
pub(crate) fn cargo() -> Result<Command> {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))?;
    let told = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    for name in told {
        cargo.env_remove(name);
    }
    Ok(cargo)
}

/// What cargo knows of the members of the workspace; needs no network.
pub(crate) fn metadata() -> Result<Value> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let text = step::output(cargo()?.args(arguments))?;
    serde_json::from_str(&text).context("cargo metadata is not JSON")
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = metadata()?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(PathBuf::from(target.context("cargo metadata names no target directory")?))
}

/// A folder of this user for things that are installed once: `HIGHWATER_<NAME>`, or below the cache folder.
pub(crate) fn cache(name: &str) -> Result<PathBuf> {
    if let Some(folder) = env::var_os(format!("HIGHWATER_{}", name.to_uppercase())) {
        return Ok(PathBuf::from(folder));
    }
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(base) => PathBuf::from(base),
        None => Path::new(&env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(base.join(format!("highwater-{name}")))
}

/// Every file of the work tree that git tracks or would track.
pub(crate) fn files() -> Result<Vec<String>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let listed = step::output(command("git")?.args(arguments))?;
    let root = root()?;
    let mut files: Vec<String> = listed
        .split('\0')
        .filter(|path| !path.is_empty() && root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}
