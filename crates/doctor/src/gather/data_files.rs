//! The project's data files, looked into no further than their headers and the beginnings of their
//! pickles.

use std::path::Path;

use artifacts::{DataFaultKind, NameKind, PickleName, Untold, classify};
use host::Host;

use super::path;
use crate::{DataFile, DataTrouble, PickledData, RefusedHeader};

/// Entries of one kind kept of one file.
const SHOWN: usize = 20;

/// What git-lfs leaves in place of a file that was not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What one file says.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) pickled: Vec<PickledData>,
    /// Nothing for a file with which everybody can do everything.
    pub(super) unusual: Option<DataFile>,
}

pub(super) fn look(host: &Host, file: &Path) -> Looked {
    let Ok(open) = host.open(file) else { return Looked::default() };
    let extension = crate::data::extension(file);
    let options = artifacts::DataOptions::quick(&extension);
    let facts = artifacts::inspect_data(&crate::data::Opened(&open), &options);
    let is_numpys =
        |name: &&PickleName| name.module == "numpy" || name.module.starts_with("numpy.");
    let pickled = facts
        .pickles()
        .map(|(name, pickle)| PickledData {
            path: path(file),
            array: name.map(ToOwned::to_owned),
            protocol: pickle.protocol,
            names: pickle.names.iter().filter(is_numpys).cloned().collect(),
            aligned_by_numpy_2: pickle.aligned_by_numpy_2,
        })
        .filter(|pickled| !pickled.names.is_empty())
        .collect();
    let mut found = DataFile::default();
    for (_, pickle) in facts.pickles() {
        let names = pickle.names.iter().filter(|name| classify(name) == NameKind::Dangerous);
        found.dangerous.extend(names.map(|name| format!("{}.{}", name.module, name.name)));
        found.hides |= pickle.untold.iter().any(|untold| {
            matches!(
                untold,
                Untold::ComputedName
                    | Untold::RegisteredName
                    | Untold::ChangesName
                    | Untold::Inconsistent { .. }
            )
        });
        found.has_new_strings |=
            pickle.names.iter().any(|name| name.name == "_convert_to_stringdtype_kwargs");
    }
    for array in facts.arrays.iter().filter(|array| array.pickle.is_some()) {
        let name = array.name.as_deref().unwrap_or("the array");
        found.objects.push(format!("{name}: dtype {}, shape {:?}", array.dtype, array.shape));
    }
    let obstacles = facts.arrays.iter().flat_map(|array| &array.obstacles);
    for obstacle in obstacles.filter(|one| one.refused && one.condition.is_none()) {
        let refused = RefusedHeader {
            since: obstacle.since.clone(),
            before: obstacle.before.clone(),
            reason: obstacle.reason.clone(),
        };
        if !found.refused.contains(&refused) {
            found.refused.push(refused);
        }
    }
    for fault in &facts.faults {
        let trouble = match fault.kind {
            DataFaultKind::Hostile => DataTrouble::Hostile,
            DataFaultKind::Damaged | DataFaultKind::Mislabelled => DataTrouble::Damaged,
            DataFaultKind::Unsupported | DataFaultKind::Unreadable => continue,
        };
        found.troubles.push((trouble, fault.message.clone()));
    }
    if is_lfs_pointer(host, file) {
        let what = "the text that git keeps in place of a large file".to_owned();
        found = DataFile { troubles: vec![(DataTrouble::LfsPointer, what)], ..DataFile::default() };
    }
    found.dangerous.truncate(SHOWN);
    found.objects.truncate(SHOWN);
    found.refused.truncate(SHOWN);
    found.troubles.truncate(SHOWN);
    let is_usual = found == DataFile::default();
    Looked { pickled, unusual: (!is_usual).then(|| DataFile { path: path(file), ..found }) }
}

fn is_lfs_pointer(host: &Host, file: &Path) -> bool {
    host.read_start(file, LFS_POINTER.len()).is_ok_and(|start| start == LFS_POINTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(name: &str, bytes: &[u8]) -> Option<DataFile> {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(name);
        fs_err::write(&file, bytes).unwrap();
        look(&Host::current().unwrap(), &file).unusual
    }

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn plain_arrays_are_nothing_special_and_others_are() {
        let plain = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n";
        assert_eq!(look_at("a.npy", &npy(plain, &[0; 8])), None);
        let cut = look_at("a.npy", &npy(plain, &[0; 3])).unwrap();
        assert_eq!(cut.troubles[0].0, DataTrouble::Damaged, "{cut:?}");
        let objects = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
        let found = look_at("a.npy", &npy(objects, b"\x80\x02cos\nsystem\n.")).unwrap();
        assert_eq!(
            (found.objects.len(), found.dangerous.as_slice()),
            (1, &["os.system".to_owned()][..])
        );
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
        for name in ["a.npz", "b.pkl"] {
            let found = look_at(name, pointer).unwrap();
            assert_eq!(found.troubles[0].0, DataTrouble::LfsPointer);
        }
        assert_eq!(look_at("a.pkl", b"\x80\x02ccollections\nOrderedDict\n)R."), None);
    }
}
