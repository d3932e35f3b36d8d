//! The Python side: its packages in a virtual environment, its scripts in `xtask/python`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{step, workspace};

const REQUIREMENTS: &str = "xtask/python/requirements.txt";

/// A Python that has the packages of the suites.
pub(crate) struct Python {
    interpreter: PathBuf,
    scripts: PathBuf,
}

impl Python {
    /// Installs what is missing.
    pub(crate) fn prepare() -> Result<Self> {
        let root = workspace::root()?;
        let home = workspace::cache("python")?;
        let wanted = fs::read_to_string(root.join(REQUIREMENTS)).context("no requirements")?;
        let installed = home.join("requirements.txt");
        if fs::read_to_string(&installed).ok().as_deref() != Some(&wanted) {
            install(&home)?;
            fs::write(&installed, wanted).context("cannot write to the cache folder")?;
        }
        Ok(Self { interpreter: interpreter(&home), scripts: root.join("xtask/python") })
    }

    /// A command that runs one of the scripts.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(self.scripts.join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn interpreter(home: &Path) -> PathBuf {
    home.join("bin/python")
}

fn install(home: &Path) -> Result<()> {
    let version = "import sys; sys.exit(sys.version_info < (3, 10))";
    let found = Command::new("python3").args(["-c", version]).status();
    if !found.is_ok_and(|status| status.success()) {
        bail!("no python3 of version 3.10 or later: install python3 and python3-venv");
    }
    step::succeed(workspace::command("python3")?.args(["-m", "venv", "--clear"]).arg(home))?;
    let mut pip = workspace::command(interpreter(home))?;
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    step::succeed(pip.arg(REQUIREMENTS))
}
