//! Facts of healthy machines for the checks' tests.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use artifacts::{NativeModule, NumpyUse, ObjectFormat};
use host::{Arch, HostPath, Mount, Os, ProbeResults, Seen, Space};
use pep440_rs::Version;
use pyenvs::{
    Abi, Environment, EnvironmentKind, FoundBy, Implementation, Libc, LibcFamily, Package,
    PackageSource, Pick, Picks, PyvenvCfg,
};

use crate::{
    CargoLock, Dependency, DependencyKind, DirectoryFacts, DirectoryRole, EngineFacts,
    EnvironmentFacts, FACTS_SCHEMA, Facts, LinkerFacts, MachineFacts, ModuleFacts, NumpyFacts,
    ProjectFacts, Pyproject, Role, Rustc, SourceTree, ToolchainFacts,
};

/// Where the healthy project lies.
pub(crate) const PROJECT: &str = "/home/dev/project";

/// A dependency of a crate, from a registry and with default features.
pub(crate) fn dependency(name: &str, requirement: Option<&str>) -> Dependency {
    Dependency {
        name: name.to_owned(),
        package: name.to_owned(),
        requirement: requirement.map(str::to_owned),
        features: Vec::new(),
        default_features: true,
        optional: false,
        location: None,
        kind: DependencyKind::Normal,
        target: None,
    }
}

/// A Linux machine with a project, its `.venv` (Python 3.11.7, numpy 2.2.6), the system Python
/// 3.12 and a Rust toolchain, in which nothing is wrong. The `.venv` is active.
pub(crate) fn healthy() -> Facts {
    let venv = venv_facts(&format!("{PROJECT}/.venv"), "3.11.7");
    let system = system_facts();
    let pick = |because: &str| Pick::Python {
        executable: HostPath::from(format!("{PROJECT}/.venv/bin/python").as_str()),
        prefix: Some(HostPath::from(format!("{PROJECT}/.venv").as_str())),
        because: because.to_owned(),
    };
    let variables: BTreeMap<String, String> = [
        ("HOME", "/home/dev"),
        ("PATH", "/home/dev/project/.venv/bin:/home/dev/.cargo/bin:/usr/bin:/bin"),
        ("VIRTUAL_ENV", "/home/dev/project/.venv"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    Facts {
        schema: FACTS_SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        machine: MachineFacts {
            os: Os::Linux,
            arch: Arch::X86_64,
            kernel: Seen::Seen("6.1.0".to_owned()),
            wsl: false,
            glibc: Seen::Seen("2.36".parse().unwrap()),
            user_id: Some(1000),
            home: Some(HostPath::from("/home/dev")),
            working_directory: HostPath::from(PROJECT),
            variables,
            python_path: Vec::new(),
            python_home: None,
            long_paths: Seen::Absent,
            smart_app_control: Seen::Absent,
            now_ns: 1_800_000_000_000_000_000,
        },
        project: ProjectFacts {
            root: HostPath::from(PROJECT),
            pyproject: Seen::Seen(Pyproject {
                path: HostPath::from(format!("{PROJECT}/pyproject.toml").as_str()),
                name: Some("example".to_owned()),
                requires_python: Some(">=3.9".to_owned()),
                ..Pyproject::default()
            }),
            lock: Seen::<CargoLock>::Absent,
            ..ProjectFacts::default()
        },
        directories: [
            (DirectoryRole::Project, PROJECT),
            (DirectoryRole::Temporary, "/tmp"),
            (DirectoryRole::CargoHome, "/home/dev/.cargo"),
            (DirectoryRole::Home, "/home/dev"),
        ]
        .into_iter()
        .map(|(role, path)| directory(role, path))
        .collect(),
        target: None,
        source_tree: SourceTree { entries: 12, ..SourceTree::default() },
        toolchain: ToolchainFacts {
            rustc: Seen::Seen(rustc("1.95.0", "x86_64-unknown-linux-gnu")),
            cargo: Some(HostPath::from("/home/dev/.cargo/bin/cargo")),
            rustup: Some(HostPath::from("/home/dev/.cargo/bin/rustup")),
            linker: LinkerFacts {
                cc: vec![HostPath::from("/usr/bin/cc")],
                ld: vec![HostPath::from("/usr/bin/ld")],
                ..LinkerFacts::default()
            },
            ..ToolchainFacts::default()
        },
        environments: vec![venv, system],
        settings: crate::SettingsFacts::default(),
        picks: Picks {
            path: pick("first on PATH"),
            pip: pick("first pip on PATH"),
            maturin: pick("VIRTUAL_ENV is set"),
            pyo3: pick("VIRTUAL_ENV is set"),
            uv: pick("VIRTUAL_ENV is set"),
        },
        exchange: Vec::new(),
        engines: EngineFacts::default(),
        unreadable: Vec::new(),
        gather_ms: 1.0,
    }
}

/// The project's `.venv` in [`healthy`] facts.
pub(crate) fn venv(facts: &mut Facts) -> &mut EnvironmentFacts {
    facts.environments.iter_mut().find(|e| e.has_role(Role::Project)).expect("healthy has a .venv")
}

/// The system Python in [`healthy`] facts.
pub(crate) fn system(facts: &mut Facts) -> &mut EnvironmentFacts {
    facts.environments.iter_mut().find(|e| e.has_role(Role::System)).expect("healthy has a system")
}

/// A healthy, judged virtual environment with numpy 2.2.6 at `prefix`.
pub(crate) fn venv_facts(prefix: &str, version: &str) -> EnvironmentFacts {
    let mut environment = bare_environment(prefix, version, EnvironmentKind::Venv);
    let minor = minor(version);
    let site = HostPath::from(format!("{prefix}/lib/python{minor}/site-packages").as_str());
    environment.python.base_prefix = Some(HostPath::from("/usr/local"));
    environment.python.pyvenv_cfg = Some(PyvenvCfg {
        path: HostPath::from(format!("{prefix}/pyvenv.cfg").as_str()),
        home: Some(HostPath::from("/usr/local/bin")),
        version: Some(version.to_owned()),
        ..PyvenvCfg::default()
    });
    environment.python.activate_path = Some(HostPath::from(prefix));
    environment.python.packages =
        vec![package("numpy", "2.2.6", &site), package("pip", "25.0", &site)];
    environment.python.found_by = vec![FoundBy::VirtualEnv, FoundBy::Project];
    environment.roles = vec![Role::Project, Role::Active, Role::OnPath];
    environment.numpy = Some(numpy("2.2.6", &site));
    environment
}

fn system_facts() -> EnvironmentFacts {
    let mut environment = bare_environment("/usr", "3.12.3", EnvironmentKind::System);
    environment.python.base_prefix = Some(HostPath::from("/usr"));
    environment.python.found_by = vec![FoundBy::System];
    environment.python.externally_managed =
        Some(HostPath::from("/usr/lib/python3.12/EXTERNALLY-MANAGED"));
    environment.roles = vec![Role::System];
    environment.judged = false;
    environment
}

fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// An environment with an interpreter and nothing installed.
pub(crate) fn bare_environment(
    prefix: &str,
    version: &str,
    kind: EnvironmentKind,
) -> EnvironmentFacts {
    let minor = minor(version);
    let tag = minor.replace('.', "");
    let suffix = format!(".cpython-{tag}-x86_64-linux-gnu.so");
    let executable = HostPath::from(format!("{prefix}/bin/python").as_str());
    EnvironmentFacts {
        python: Environment {
            prefix: HostPath::from(prefix),
            kind,
            found_by: Vec::new(),
            executable: Some(executable.clone()),
            real_executable: Some(executable),
            base_prefix: Some(HostPath::from(prefix)),
            version: Seen::Seen(Version::from_str(version).unwrap()),
            implementation: Seen::Seen(Implementation::CPython),
            abi: Seen::Seen(Abi {
                extension_suffix: suffix.clone(),
                extension_suffixes: vec![suffix, ".abi3.so".to_owned(), ".so".to_owned()],
                free_threaded: false,
                debug: false,
            }),
            architectures: Seen::Seen(vec![Arch::X86_64]),
            libc: Seen::Seen(Libc {
                family: LibcFamily::Glibc,
                version: Seen::Seen("2.36".parse().unwrap()),
            }),
            pyvenv_cfg: None,
            problems: Vec::new(),
            stdlib: Some(HostPath::from(format!("/usr/local/lib/python{minor}").as_str())),
            site_packages: vec![HostPath::from(
                format!("{prefix}/lib/python{minor}/site-packages").as_str(),
            )],
            user_site: None,
            packages: Vec::new(),
            user_packages: Vec::new(),
            conda_packages: Vec::new(),
            leftovers: Vec::new(),
            pth_paths: Vec::new(),
            scripts: Vec::new(),
            activate_path: None,
            externally_managed: None,
            ensurepip: true,
            python_header: Some(HostPath::from(
                format!("/usr/local/include/python{minor}/Python.h").as_str(),
            )),
            libpython: vec![HostPath::from(
                format!("/usr/local/lib/libpython{minor}.so.1.0").as_str(),
            )],
        },
        roles: Vec::new(),
        judged: true,
        numpy: None,
        modules: Vec::new(),
        openmp: Vec::new(),
        runtime_libraries: Vec::new(),
    }
}

/// An installed package with one dist-info.
pub(crate) fn package(name: &str, version: &str, site_packages: &HostPath) -> Package {
    Package {
        name: name.to_owned(),
        version: Seen::Seen(Version::from_str(version).unwrap()),
        source: PackageSource::DistInfo,
        path: site_packages.join(format!("{}-{version}.dist-info", name.replace('-', "_"))),
        installer: Some("pip".to_owned()),
        editable: None,
        built_from: None,
        direct_url: None,
        source_is_gone: false,
        requires: Vec::new(),
        extension_modules: Vec::new(),
        record: Seen::Seen(()),
    }
}

/// A whole numpy of this version.
pub(crate) fn numpy(version: &str, site_packages: &HostPath) -> NumpyFacts {
    let parsed = Version::from_str(version).unwrap();
    let two = parsed.release().first() == Some(&2);
    NumpyFacts {
        directory: site_packages.join("numpy"),
        version: Seen::Seen(parsed.clone()),
        dist_info: vec![parsed],
        conda_meta: Vec::new(),
        abi_version: Seen::Seen(if two { 0x0200_0000 } else { 0x0100_0009 }),
        api_version: Seen::Seen(if two { 0x13 } else { 0x11 }),
        multiarray: vec!["_multiarray_umath.cpython-311-x86_64-linux-gnu.so".to_owned()],
        altered: Vec::new(),
    }
}

/// An ordinary directory on ext4 with room.
pub(crate) fn directory(role: DirectoryRole, path: &str) -> DirectoryFacts {
    DirectoryFacts {
        role,
        path: HostPath::from(path),
        chosen_by: "default".to_owned(),
        exists: true,
        nearest: HostPath::from(path),
        mount: Some(Mount {
            point: HostPath::from("/"),
            file_system: "ext4".to_owned(),
            source: "/dev/vda1".to_owned(),
            options: vec!["rw".to_owned(), "relatime".to_owned()],
        }),
        device: 1,
        owner: Some(1000),
        may_write: Seen::Seen(true),
        space: Seen::Seen(Space {
            free_bytes: 50 << 30,
            total_bytes: 200 << 30,
            free_inodes: 9_000_000,
            total_inodes: 10_000_000,
        }),
        case_insensitive: Seen::Seen(false),
        probes: ProbeResults::default(),
        foreign_owned: Vec::new(),
        mounts_below: Vec::new(),
    }
}

/// A compiler.
pub(crate) fn rustc(release: &str, host_triple: &str) -> Rustc {
    Rustc {
        path: HostPath::from("/home/dev/.rustup/toolchains/stable/bin/rustc"),
        release: release.to_owned(),
        host_triple: host_triple.to_owned(),
        commit_hash: Some("0".repeat(40)),
        verbose: format!("rustc {release}\nhost: {host_triple}\nrelease: {release}\n"),
    }
}

/// Adds an extension module to an environment, and its package (version 1.3.8) if that is not there
/// yet.
pub(crate) fn add_module(
    environment: &mut EnvironmentFacts,
    of_package: &str,
    import_name: &str,
    native: NativeModule,
) {
    let site = environment.python.site_packages[0].clone();
    if environment.python.packages_named(of_package).next().is_none() {
        environment.python.packages.push(package(of_package, "1.3.8", &site));
    }
    let suffix = environment.python.abi.get().unwrap().extension_suffix.clone();
    environment.modules.push(ModuleFacts {
        path: site.join(format!("{}{suffix}", import_name.replace('.', "/"))),
        import_name: import_name.to_owned(),
        suffix,
        package: Some(of_package.to_owned()),
        len: 4096,
        modified_ns: 1,
        native: Seen::Seen(native),
    });
}

/// An ELF module for x86-64 with this `PyInit_` function, which needs the C library alone.
pub(crate) fn native_module(name: &str) -> NativeModule {
    NativeModule {
        format: ObjectFormat::Elf,
        architectures: vec!["x86_64".to_owned()],
        needed: vec!["libc.so.6".to_owned()],
        search_paths: Vec::new(),
        library_path_first: false,
        version_needs: Vec::new(),
        version_definitions: Vec::new(),
        init_functions: vec![name.to_owned()],
        libpython: None,
        numpy: NumpyUse::default(),
        rust_crates: Vec::new(),
        rustc_commit: None,
        interpreter: None,
        capped: false,
    }
}
