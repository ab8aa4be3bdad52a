//! Files that the reference wrote, and the arrays that belong to them.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use std::fs;
use std::path::{Path, PathBuf};

use npz::Npz;
use serde_json::Value;
use spz::{Container, Content, Field, Fields, Frame, Info, Options};

fn data() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    std::env::var_os("SPZ_TEST_DATA").map_or_else(own, PathBuf::from)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Every file with what is told of it.
fn files() -> Vec<(PathBuf, Value)> {
    let told = match fs::read(data().join("files.json")) {
        Ok(bytes) => serde_json::from_slice::<Vec<Value>>(&bytes).unwrap(),
        Err(_) => fs::read_dir(data())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| json(&path))
            .collect(),
    };
    told.into_iter().map(|told| (data().join(told["file"].as_str().unwrap()), told)).collect()
}

/// The bits of an array of the file beside an SPZ file.
fn expected(path: &Path, field: Field) -> (Vec<usize>, Vec<u32>) {
    let arrays = Npz::open(path.with_extension("npz")).unwrap();
    let array = arrays.read(field.name()).unwrap();
    let bits = array.as_slice::<f32>().unwrap().iter().map(|number| number.to_bits()).collect();
    (array.shape().to_vec(), bits)
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn every_bit_is_that_of_the_reference() {
    let files = files();
    assert!(files.len() > 50, "{} files", files.len());
    for (path, _) in files {
        let cloud = spz::read_file(&path, &Options::default()).unwrap();
        let bytes = fs::read(&path).unwrap();
        let from_memory = spz::read_bytes(&bytes, &Options::default()).unwrap();
        for field in Field::ALL {
            let (shape, wanted) = expected(&path, field);
            let name = format!("{} of {}", field.name(), path.display());
            assert_eq!(cloud.info.shape(field), shape, "{name}");
            let found = bits(cloud.array(field).unwrap());
            let place = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
            assert_eq!((found.len(), place), (wanted.len(), None), "{name}");
            assert_eq!(bits(from_memory.array(field).unwrap()), found, "{name} from memory");
        }
        assert_eq!(spz::info_file(&path).unwrap(), cloud.info);
        assert_eq!(spz::info_bytes(&bytes).unwrap(), from_memory.info);
    }
}

fn told(info: &Info) -> (u64, &'static str, u64, u64, bool, u64, &'static str, &'static str) {
    (
        info.version.into(),
        match info.container {
            Container::Gzip => "gzip",
            Container::Zstd => "ngsp+zstd",
        },
        info.sh_degree.into(),
        info.num_points as u64,
        info.is_antialiased(),
        info.flags.into(),
        info.frame.name(),
        if info.frame_is_stated { "extension" } else { "default" },
    )
}

#[test]
fn what_a_file_says_of_itself_is_told() {
    for (path, facts) in files() {
        let info = spz::info_file(&path).unwrap();
        let number = |key: &str| facts[key].as_u64().unwrap();
        let text = |key: &str| facts[key].as_str().unwrap();
        let wanted = (
            number("version"),
            text("container"),
            number("sh_degree"),
            number("num_points"),
            facts["antialiased"].as_bool().unwrap(),
            number("flags"),
            text("coordinate_system"),
            text("coordinate_system_from"),
        );
        assert_eq!(told(&info), wanted, "{}", path.display());
        let kinds: Vec<String> =
            info.extensions.iter().map(|found| format!("0x{:08X}", found.kind)).collect();
        let wanted: Vec<&str> = facts["extensions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, wanted, "{}", path.display());
        assert_eq!(info.unknown_flags(), number("flags") as u8 & !3);
        assert_eq!(info.trailing_bytes, 0, "{}", path.display());
    }
}

#[test]
fn the_camera_is_read() {
    let info = spz::info_file(data().join("v4_d1_n9_orbit.spz")).unwrap();
    let [record] = info.extensions.as_slice() else { panic!("{:?}", info.extensions) };
    assert!(matches!(record.content, Content::SafeOrbit { .. }), "{record:?}");
}

#[test]
fn each_array_alone_is_the_same() {
    for (path, _) in files() {
        let all = spz::read_file(&path, &Options::default()).unwrap();
        for field in Field::ALL {
            let options = Options { fields: Fields::NONE.with(field), ..Options::default() };
            let one = spz::read_file(&path, &options).unwrap();
            assert_eq!(bits(one.array(field).unwrap()), bits(all.array(field).unwrap()));
            assert_eq!(one.frame, all.frame);
            let others = Field::ALL.into_iter().filter(|&other| other != field);
            assert!(others.into_iter().all(|other| one.array(other).is_none()));
        }
    }
}

#[test]
fn all_coefficients_stand_in_one_array_if_wanted() {
    for (path, _) in files() {
        for frame in [None, Some(Frame::RDF), Some(Frame::RFU)] {
            let options = Options { frame, ..Options::default() };
            let apart = spz::read_file(&path, &options).unwrap();
            let fields = Fields::NONE.with(Field::Sh);
            for fields in [Fields::ALL, fields] {
                let options = Options { sh_from_degree_0: true, fields, ..options };
                let whole = spz::read_file(&path, &options).unwrap();
                let each = apart.info.numbers(Field::Sh);
                let wanted: Vec<f32> = (0..apart.info.num_points)
                    .flat_map(|point| {
                        let colors = &apart.array(Field::Colors).unwrap()[3 * point..][..3];
                        let sh = &apart.array(Field::Sh).unwrap()[each * point..][..each];
                        [colors, sh].concat()
                    })
                    .collect();
                assert_eq!(bits(whole.array(Field::Sh).unwrap()), bits(&wanted));
                let colors = whole.array(Field::Colors).map(bits);
                let wanted = apart.array(Field::Colors).map(bits);
                assert!(colors.is_none() || colors == wanted, "{}", path.display());
            }
        }
    }
}

#[test]
fn a_stated_frame_is_where_a_change_starts_from() {
    for name in ["v3_d1_n9_frame_RDF", "v4_d1_n9_frame_RDF"] {
        let path = data().join(name).with_extension("spz");
        let stored = spz::read_file(&path, &Options::default()).unwrap();
        let options = Options { frame: Some(Frame::RUB), ..Options::default() };
        let changed = spz::read_file(&path, &options).unwrap();
        assert_eq!((stored.frame, changed.frame), (Frame::RDF, Frame::RUB));
        let stored = stored.array(Field::Positions).unwrap().as_chunks::<3>().0;
        let changed = changed.array(Field::Positions).unwrap().as_chunks::<3>().0;
        for ([x, y, z], changed) in stored.iter().zip(changed) {
            assert_eq!([*x, -y, -z], *changed);
        }
    }
}

fn hostile() -> Vec<(PathBuf, Value)> {
    let told = json(&data().join("hostile/hostile.json"));
    let told = told.as_array().unwrap().clone();
    told.into_iter()
        .map(|told| (data().join("hostile").join(told["file"].as_str().unwrap()), told))
        .filter(|(path, _)| path.exists())
        .collect()
}

#[test]
fn broken_files_are_refused_or_read_right() {
    let files = hostile();
    assert!(files.len() > 80, "{} files", files.len());
    for (path, told) in files {
        let read = spz::read_file(&path, &Options::default());
        let from_memory = spz::read_bytes(&fs::read(&path).unwrap(), &Options::default());
        assert_eq!(read.is_ok(), from_memory.is_ok(), "{}", path.display());
        match read {
            Ok(cloud) => {
                assert_eq!(told["expect"], "either", "{} was read", path.display());
                let same = data().join(format!("{}.npz", told["same_as"].as_str().unwrap()));
                for field in Field::ALL {
                    let found = bits(cloud.array(field).unwrap());
                    assert_eq!(found, expected(&same, field).1, "{}", path.display());
                }
            }
            Err(error) => {
                let kind = kind(&error);
                let problem = told["problem"].as_str().unwrap();
                let fits = match problem {
                    "corrupt" => ["Corrupt", "BadExtension", "Truncated"].contains(&kind),
                    "not_spz" => kind == "NotSpz",
                    "truncated" => kind == "Truncated",
                    "implausible_header" => kind == "ImplausibleHeader",
                    "unsupported_version" => kind == "UnsupportedVersion",
                    "trailing" => ["TrailingData", "Corrupt"].contains(&kind),
                    other => panic!("{other}"),
                };
                assert!(fits, "{} is {problem}: {kind}: {error}", path.display());
                assert!(error.path().is_some());
            }
        }
    }
}

fn kind(error: &spz::Error) -> &'static str {
    match error.kind() {
        spz::ErrorKind::NotSpz { .. } => "NotSpz",
        spz::ErrorKind::UnsupportedVersion { .. } => "UnsupportedVersion",
        spz::ErrorKind::Truncated { .. } => "Truncated",
        spz::ErrorKind::ImplausibleHeader { .. } => "ImplausibleHeader",
        spz::ErrorKind::Corrupt { .. } => "Corrupt",
        spz::ErrorKind::BadExtension { .. } => "BadExtension",
        spz::ErrorKind::TrailingData { .. } => "TrailingData",
        _ => "another",
    }
}

#[test]
fn what_is_no_file_is_an_error_of_the_system() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("missing.spz")] {
        let error = spz::read_file(&path, &Options::default()).unwrap_err();
        assert!(matches!(error.kind(), spz::ErrorKind::Io(_)), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["v3_d1_n9.spz", "v4_d1_n9.spz"] {
        let bytes = fs::read(data().join(name)).unwrap();
        for length in 0..bytes.len() {
            assert!(spz::read_bytes(&bytes[..length], &Options::default()).is_err(), "{length}");
        }
    }
}
