//! CTR004: the image that builds are locked to is not here.

use report::{Finding, Fix, Safety, Severity};

use super::engines;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "CTR004",
    name: "image-not-reachable",
    summary: "The image that the project's builds are locked to is not on this machine",
    page: include_str!("../../../pages/CTR004.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::absent], silent: &[tests::here, tests::nothing_locked] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(image) = &facts.engines.image else {
        findings.skip("no image is locked");
        return;
    };
    if image.is_here {
        return;
    }
    // Whoever never builds wheels here needs no image.
    findings.push(
        Finding::new(
            Severity::Info,
            engines(),
            "the image that wheels are built in is not here, so a clean build cannot start offline",
        )
        .seen_at(facts.native(&image.file), format!("names {}", image.diff_id))
        .seen("it is not in the store of images")
        .cause("It was never made or fetched on this machine")
        .fix(
            Fix::new(Safety::Confirm, "make it from Debian's packages, without a registry").run([
                "truewheel",
                "image",
                "bootstrap",
            ]),
        ),
    );
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::LockedImage;
    use crate::testing::{PROJECT, healthy};

    pub(super) fn absent() -> Facts {
        let mut facts = healthy();
        facts.engines.image = Some(LockedImage {
            file: HostPath::from(PROJECT).join("docker/images.lock.toml"),
            diff_id: "sha256:ba78".to_owned(),
            is_here: false,
        });
        facts
    }

    pub(super) fn here() -> Facts {
        let mut facts = absent();
        if let Some(image) = &mut facts.engines.image {
            image.is_here = true;
        }
        facts
    }

    pub(super) fn nothing_locked() -> Facts {
        healthy()
    }
}
