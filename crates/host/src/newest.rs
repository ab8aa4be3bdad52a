//! Directories of files that would otherwise grow for ever.

use std::path::{Path, PathBuf};

use crate::{Host, remove_tree};

/// More files in a directory are not looked at.
const FILES_LIMIT: usize = 10_000;

impl Host {
    /// Keeps the newest files in a directory whose names end in this extension, and removes the others.
    /// That one stays is no harm, and another process may be removing them too.
    pub fn keep_newest(&self, directory: &Path, extension: &str, kept: usize) {
        let is_one = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
        let entries = self.list(directory, FILES_LIMIT).unwrap_or_default();
        let paths = entries.into_iter().map(|entry| directory.join(entry.name)).filter(is_one);
        let mut files: Vec<(i64, PathBuf)> =
            paths.filter_map(|path| Some((self.metadata(&path).ok()?.modified_ns, path))).collect();
        files.sort_unstable();
        let old = files.len().saturating_sub(kept);
        for (_, path) in files.drain(..old) {
            let _ = remove_tree(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_newest_are_kept_and_other_files_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        for number in 1..=8 {
            let name = directory.path().join(format!("a-{number}.log"));
            let day = SystemTime::UNIX_EPOCH + Duration::from_secs(number * 86_400);
            fs_err::File::create(name).unwrap().set_modified(day).unwrap();
        }
        fs_err::write(directory.path().join("old.txt"), "").unwrap();
        Host::current().unwrap().keep_newest(directory.path(), "log", 5);
        let names = fs_err::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut left: Vec<String> = names.collect();
        left.sort();
        assert_eq!(left, ["a-4.log", "a-5.log", "a-6.log", "a-7.log", "a-8.log", "old.txt"]);
    }
}
