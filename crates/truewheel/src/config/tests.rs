//! Files that are right, and what is said of those that are not.

use std::collections::BTreeMap;
use std::time::Duration;

use ::matrix::{Format, NamedEnvironment};
use host::{Arch, Machine};

use super::*;

fn host() -> Host {
    Host::recorded(Machine {
        os: Os::Linux,
        arch: Arch::X86_64,
        working_directory: PathBuf::from("/elsewhere"),
        home: Some(PathBuf::from("/home/ann")),
        variables: BTreeMap::new(),
        files: BTreeMap::new(),
        binaries: BTreeMap::new(),
        directories: Vec::new(),
        links: BTreeMap::new(),
        registry: BTreeMap::new(),
    })
}

fn parse(text: &str) -> Result<Config, Failure> {
    Config::parse(text, Path::new("/p/truewheel.toml"), Path::new("/p"), &host())
}

#[track_caller]
fn refused(text: &str, said: &[&str]) {
    let text = parse(text).unwrap_err().render("truewheel");
    let details: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("/p/truewheel.toml:"))
        .collect();
    assert_eq!(details, said, "{text}");
}

#[test]
fn everything_that_can_be_said() {
    let config = parse(
        r#"
[doctor]
skip = ["env"]
strict = true
suppress = [
    { code = "env001", path = "~/x/*", reason = "old", until = 2027-01-31 },
    { code = "ENV001", subject = "*.venv*", path = "a", reason = "known" },
]

[project]
python = [".venv", "~/envs/a", "/usr/bin/python3"]

[[project.exchange]]
writer = ".venv"
reader = "../other/.venv"

[build]
wheel = "python"
core = ["core"]
out = "wheels"
imports = ["a.b"]
smoke = "tests/smoke.py"
requirements = ["numpy==2.2.6"]
max-glibc = "2.28"
libraries = ["libcuda.so.1"]

[tools]
maturin = "1.9.4"

[matrix]
pythons = ["3.11", "build/bin/python"]
numpys = ["1.24.4", "newest"]
requirements = ["ml_dtypes>=0.5"]
wheel = "dist/a-*.whl"
exchange = "tests/exchange.py"
exchange-core = ["target/core", "--fast"]
imports = ["a"]
environments = [{ name = "train", path = "~/envs/train" }]
formats = ["npz-deflated", "npy"]
lanes = ["cpython", "wheel", "pyodide"]
pyodides = ["0.25.1", "newest", "vendor/pyodide"]
time-limit = 60
"#,
    )
    .unwrap();
    assert_eq!(
        config,
        Config {
            path: Some(PathBuf::from("/p/truewheel.toml")),
            skip: vec!["env".to_owned()],
            strict: true,
            suppress: vec![
                Suppression {
                    code: "ENV001".to_owned(),
                    subject: None,
                    path: Some("/home/ann/x/*".to_owned()),
                    reason: "old".to_owned(),
                    until: Some("2027-01-31".to_owned()),
                    line: 6,
                },
                Suppression {
                    code: "ENV001".to_owned(),
                    subject: Some("*.venv*".to_owned()),
                    path: Some("/p/a".to_owned()),
                    reason: "known".to_owned(),
                    until: None,
                    line: 7,
                },
            ],
            python: ["/p/.venv", "/home/ann/envs/a", "/usr/bin/python3"].map(PathBuf::from).into(),
            exchange: vec![(PathBuf::from("/p/.venv"), PathBuf::from("/other/.venv"))],
            build: Build {
                wheel: Some(PathBuf::from("/p/python")),
                core: vec!["core".to_owned()],
                out: Some(PathBuf::from("/p/wheels")),
                imports: vec!["a.b".to_owned()],
                smoke: Some(PathBuf::from("/p/tests/smoke.py")),
                requirements: vec!["numpy==2.2.6".to_owned()],
                max_glibc: Some("2.28".parse().unwrap()),
                libraries: vec!["libcuda.so.1".to_owned()],
            },
            tools: [("maturin".to_owned(), "1.9.4".to_owned())].into(),
            matrix: Specification {
                pythons: vec!["3.11".to_owned(), "/p/build/bin/python".to_owned()],
                numpys: vec!["1.24.4".to_owned(), "newest".to_owned()],
                requirements: vec!["ml_dtypes>=0.5".to_owned()],
                wheel: Some(PathBuf::from("/p/dist/a-*.whl")),
                exchange: Some(PathBuf::from("/p/tests/exchange.py")),
                exchange_core: ["target/core", "--fast"].map(str::to_owned).into(),
                pyodides: ["0.25.1", "newest", "/p/vendor/pyodide"].map(str::to_owned).into(),
                imports: vec!["a".to_owned()],
                environments: vec![NamedEnvironment {
                    name: "train".to_owned(),
                    path: PathBuf::from("/home/ann/envs/train"),
                }],
                formats: vec![Format::Npy, Format::NpzDeflated],
                pickles: false,
                cpython: true,
                core: false,
                wheel_lane: true,
                pyodide: true,
                time_limit: Duration::from_secs(60),
            },
        }
    );
}

#[test]
fn an_empty_file_and_the_sample_change_nothing() {
    let defaults = Config { path: Some(PathBuf::from("/p/truewheel.toml")), ..Config::default() };
    assert_eq!(parse("").unwrap(), defaults);
    assert_eq!(parse(crate::commands::init::SAMPLE).unwrap(), defaults);
}

#[test]
fn the_sample_is_right_when_its_comments_are_taken_away() {
    let sample = crate::commands::init::SAMPLE;
    let is_code = |line: &&str| {
        let line = line.trim_start_matches("# ");
        line.starts_with(['[', ']', ' ', '{']) || line.contains(" = ")
    };
    let text: Vec<&str> =
        sample.lines().filter(is_code).map(|line| line.trim_start_matches("# ")).collect();
    let config = parse(&text.join("\n")).unwrap();
    assert_eq!(config.suppress.len(), 1);
    assert_eq!(config.exchange.len(), 1);
    assert_eq!(config.python.len(), 1);
    let matrix = Specification::default();
    assert_eq!((config.matrix.numpys, config.matrix.formats), (matrix.numpys, matrix.formats));
    assert_eq!((config.matrix.pythons.len(), config.matrix.environments.len()), (2, 1));
}

#[test]
fn a_pin_is_a_version() {
    refused(
        "[tools]\nmaturin = \">=1.9\"\nuv = 3\nrust = \"1.95\"\n",
        &[
            "2:11: `>=1.9` is not a version such as `1.9.4`",
            "3:6: `tools.uv` must be a string; this is a number",
            "4:1: unknown key `rust` in `tools`, the keys are `maturin`, `uv`",
        ],
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_one() {
    refused(
        "[doctr]\n[project]\npyton = []\n[[project.exchange]]\nwriter = 'a'\nreader = 'b'\nto = 1\n",
        &[
            "1:2: unknown key `doctr` at the top level, did you mean `doctor`?",
            "3:1: unknown key `pyton` in `project`, did you mean `python`?",
            "7:1: unknown key `to` in `project.exchange`, the keys are `writer`, `reader`",
        ],
    );
}

#[test]
fn cells_that_cannot_be_are_refused() {
    refused(
        "[matrix]\npythons = ['three']\nnumpys = ['2.2.6', '>=2']\nrequirements = ['--pre']\n\
         formats = ['npy', 'hdf5']\nlanes = ['cython']\ntime-limit = 0\nenviroments = []\n\
         environments = [{ name = '', path = 'x' }, { name = 'a' }]\n",
        &[
            "2:11: `three` is neither a version such as `3.11` nor a path",
            "3:10: `>=2` is neither a version such as `2.2.6` nor `newest`",
            "4:16: `--pre` is not a requirement such as `ml_dtypes>=0.5`",
            "5:11: there is no format `hdf5`; there are `npy`, `npz`, `npz-deflated`, `pickle`",
            "6:9: there is no lane `cython`; there are `cpython`, `core`, `wheel`, \
             `pyodide`",
            "7:14: `matrix.time-limit` must be a whole number of at least 1; this is a number",
            "8:1: unknown key `enviroments` in `matrix`, did you mean `environments`?",
            "9:26: the name is empty",
            "9:44: `matrix.environments` lacks `path`",
        ],
    );
}

#[test]
fn a_wheel_brings_its_lane_with_it() {
    let matrix = |text: &str| parse(&format!("[matrix]\n{text}")).unwrap().matrix;
    let wheel = matrix("wheel = 'dist'\n");
    assert!(wheel.wheel_lane && wheel.cpython && wheel.core);
    assert!(!matrix("exchange = 'exchange.py'\n").wheel_lane);
    let alone = matrix("lanes = ['wheel']\n");
    assert!(alone.wheel_lane && !alone.cpython && !alone.core);
    refused(
        "[matrix]\nwheel = 'dist'\nlanes = ['core']\nexchange-core = []\n",
        &[
            "2:9: nothing uses it, as `lanes` does not list `wheel`",
            "4:17: there is no program in the list; it is a command, as \
             `[\"target/release/core\"]`",
        ],
    );
}

#[test]
fn a_pyodide_brings_its_lane_with_it() {
    let matrix = |text: &str| parse(&format!("[matrix]\n{text}")).unwrap().matrix;
    let named = matrix("pyodides = ['0.25.1']\n");
    assert!(named.pyodide && named.cpython && named.core);
    assert_eq!(named.pyodides, ["0.25.1"]);
    let lane = matrix("lanes = ['cpython', 'pyodide']\n");
    assert!(lane.pyodide && !lane.core);
    assert_eq!(lane.pyodides, ["newest"]);
    assert!(!matrix("").pyodide);
    refused(
        "[matrix]\npyodides = ['new', '--x']\nlanes = ['core']\n",
        &[
            "2:12: `--x` is neither a version such as `0.25.1`, nor `newest`, nor the path of a \
             directory",
            "2:12: `new` is neither a version such as `0.25.1`, nor `newest`, nor the path of a \
             directory",
            "2:12: nothing uses it, as `lanes` does not list `pyodide`",
        ],
    );
    refused("[matrix]\npyodides = []\n", &["2:12: there is no version in the list"]);
}

#[test]
fn wrong_types_are_refused_where_they_stand() {
    refused(
        "doctor = 1\nproject = { python = 'x', exchange = [1] }\n",
        &[
            "1:10: `doctor` must be a table; this is a number",
            "2:22: `project.python` must be an array of strings; this is a string",
            "2:39: `project.exchange` must be an array of tables; this is a number",
        ],
    );
    refused(
        "[doctor]\nstrict = 'yes'\nskip = ['ENV', 2]\n",
        &[
            "2:10: `doctor.strict` must be true or false; this is a string",
            "3:16: `doctor.skip` must be an array of strings; this is a number",
        ],
    );
}

#[test]
fn suppressions_need_a_known_code_and_a_reason() {
    refused(
        "[doctor]\nsuppress = [\n  { code = 'ENV0001', reason = ' ', until = '2027-01-31' },\n  { code = 'ENV001' },\n]\n",
        &[
            "3:12: no check is called `ENV0001`, did you mean `ENV001`?",
            "3:32: the reason is empty",
            "3:45: `doctor.suppress.until` must be a day without quotes, such as 2027-01-31; this is a string",
            "4:3: `doctor.suppress` lacks `reason`",
        ],
    );
    refused(
        "[doctor]\nsuppress = [{ code = 'ENV001', reason = 'x', until = 2027-01-31T00:00:00Z }]\n",
        &[
            "2:54: `doctor.suppress.until` must be a day without quotes, such as 2027-01-31; this is a date or time",
        ],
    );
}

#[test]
fn codes_to_skip_must_exist() {
    refused(
        "[doctor]\nskip = ['EN']\n",
        &["2:8: no check or family is called `EN`, did you mean `ENV`?"],
    );
}

#[test]
fn what_is_not_toml_is_placed() {
    refused("[doctor\n", &["1:8: not TOML: unclosed table, expected `]`"]);
    refused(
        "é = 1\n",
        &["1:1: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`"],
    );
    refused("[doctor]\nstrict = true\nstrict = false\n", &["3:1: not TOML: duplicate key"]);
}
