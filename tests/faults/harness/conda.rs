//! Real conda prefixes, from packages made on this machine.

use std::path::Path;

use super::{Environment, Python, Sandbox, tools};

const MAKE_PREFIX: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/faults/conda/make_prefix.py");

impl Sandbox {
    /// A conda environment `~/miniforge3/envs/NAME` with this Python and these packages:
    /// `numpy=1.26.4` from a wheel of PyPI, `name=1.0@DIRECTORY` from the files in a directory.
    /// Its files are links into a cache of the tests.
    #[track_caller]
    pub(crate) fn conda_environment(
        &self,
        python: &Python,
        name: &str,
        packages: &[&str],
    ) -> Environment {
        let prefix = self.home().join("miniforge3/envs").join(name);
        self.conda_prefix(python, &prefix, packages)
    }

    /// A conda prefix anywhere; in `~/miniforge3` itself it is the base environment.
    #[track_caller]
    pub(crate) fn conda_prefix(
        &self,
        python: &Python,
        prefix: &Path,
        packages: &[&str],
    ) -> Environment {
        let command = self
            .shielded(tools::program("python"))
            .arg(MAKE_PREFIX)
            .arg(prefix)
            .arg(tools::directory().join("conda-channel"))
            .arg(&python.executable)
            .args(packages);
        self.run_installer(&command);
        Environment::at(prefix.to_path_buf(), &python.minor)
    }

    /// A program `conda` on `PATH` that installs a package of the tests' own channel again, as
    /// `conda install --yes -p PREFIX --force-reinstall NAME=VERSION` does: there is no channel to
    /// ask here, so that only its solver is missing.
    pub(crate) fn offer_conda(&self, python: &Python) {
        let script = format!(
            "#!/bin/sh\nset -e\n[ \"$1 $2 $3 $5\" = 'install --yes -p --force-reinstall' ]\n\
             rm -f \"$4/conda-meta/${{6%%=*}}-${{6#*=}}\"-*.json\n\
             exec '{}' '{MAKE_PREFIX}' \"$4\" '{}' '{}' \"$6\"\n",
            tools::program("python").display(),
            tools::directory().join("conda-channel").display(),
            python.executable.display(),
        );
        self.write_program(&self.path("bin/conda"), script);
        self.prepend_path(&self.path("bin"));
    }
}
