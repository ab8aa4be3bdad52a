//! What the page does.

use matrix::MatrixResult;
use matrix::render::html;
use serde_json::{Value, json};

use crate::driver::{Browser, browser, key};
use crate::samples::{EVIL, default_matrix, faulty, hostile, huge, pyodide, wheel};

/// The focused element, as `row,column` of the table where it is in it.
const FOCUS: &str = "(() => { const cell = document.activeElement.closest('#grid tbody td'); \
     return cell ? `${cell.parentElement.sectionRowIndex},${cell.cellIndex - 1}` : \
     document.activeElement.id || document.activeElement.tagName })()";

const PANEL: &str = "document.getElementById('detail').innerText";
const PANEL_IS_HIDDEN: &str = "String(document.getElementById('detail').hidden)";
const HASH: &str = "decodeURIComponent(location.hash)";
/// How many pairs are in sight.
const SHOWN: &str = "[...document.querySelectorAll('#grid tbody td')]\
     .filter((cell) => cell.offsetParent).length";

fn open(browser: &Browser, result: &MatrixResult, fragment: &str) {
    browser.open(&html::render(result), fragment);
}

/// Selects the cell of a writer and a reader, by their places.
fn cell(row: usize, column: usize) -> String {
    format!("#grid tbody tr:nth-child({}) td:nth-child({})", row + 1, column + 2)
}

fn choose(browser: &Browser, id: &str, value: &str) {
    browser.run(&format!(
        "const select = document.getElementById('{id}'); select.value = '{value}'; \
         select.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    ));
}

#[test]
fn it_asks_for_nothing_and_has_nothing_to_complain_of() {
    browser(|browser| {
        for result in [default_matrix(), faulty(), hostile(), huge()] {
            open(browser, &result, "");
            browser.click(&cell(0, 0));
            browser.click("#detail .close");
            let requests = browser.requests();
            let own = format!("file://{}", browser.path().display());
            assert!(requests.contains(&own), "{requests:?}");
            assert!(requests.iter().all(|url| *url == own || url == "data:,"), "{requests:?}");
            assert_eq!(browser.console(), Vec::<String>::new());
        }
    });
}

/// What the test above would see if there were something to see.
#[test]
fn requests_and_complaints_would_be_seen() {
    browser(|browser| {
        let html = "<!doctype html><img src=\"http://127.0.0.1:9/x.png\"><script>y()</script>";
        browser.open(html, "");
        assert!(browser.requests().contains(&"http://127.0.0.1:9/x.png".to_owned()));
        let console = browser.console().join("\n");
        assert!(console.contains("y is not defined"), "{console}");
        // The page's policy forbids the same.
        let page = html::render(&default_matrix());
        browser.open(&page.replacen("<main>", &format!("<main>{html}"), 1), "");
        let console = browser.console().join("\n");
        assert!(console.contains("Content Security Policy"), "{console}");
        assert!(!console.contains("y is not defined"), "{console}");
    });
}

/// The sum of all shifts of the layout; there is always a paint, so the observer is always called.
const SHIFTS: &str = "return new Promise((done) => { \
     const observer = new PerformanceObserver((seen) => done(seen.getEntriesByType('layout-shift')\
     .reduce((sum, entry) => sum + entry.value, 0))); \
     const frame = requestAnimationFrame; frame(() => frame(() => { \
     for (const type of ['layout-shift', 'paint']) observer.observe({ type, buffered: true }) })) })";

#[test]
fn nothing_moves_while_it_loads() {
    browser(|browser| {
        for width in [1400, 420] {
            browser.look(width, 1000, "light");
            open(browser, &faulty(), "");
            assert_eq!(browser.run(SHIFTS).as_f64(), Some(0.0));
        }
        let late = "const late = document.createElement('div'); late.style.height = '300px'; \
             document.body.prepend(late);";
        browser.open("<p>a paragraph that is pushed down", "");
        // Only what has been painted can be seen to move.
        assert_eq!(browser.run(SHIFTS).as_f64(), Some(0.0));
        let shifts = browser.run(&format!("{late} {SHIFTS}"));
        assert!(shifts.as_f64().unwrap() > 0.0, "{shifts}");
    });
}

#[test]
fn every_cell_has_a_row_and_a_column() {
    browser(|browser| {
        open(browser, &default_matrix(), "");
        let rows = "document.querySelectorAll('#grid tbody tr').length";
        let columns = "document.querySelectorAll('#grid thead th').length";
        assert_eq!((browser.number(rows), browser.number(columns)), (32.0, 33.0));
        assert_eq!(browser.number(SHOWN), 1024.0);
        let heads = browser
            .number("document.querySelectorAll('#grid th[scope=col], #grid th[scope=row]').length");
        assert_eq!(heads, 65.0);
    });
}

#[test]
fn a_failing_pair_opens_into_its_cases_and_messages() {
    browser(|browser| {
        open(browser, &faulty(), "");
        browser.click(&cell(0, 18));
        let panel = browser.text(PANEL);
        for text in [
            "py3.8-numpy1.17.5 → py3.11-numpy1.24.4",
            "12 arrays were not read as written, of 120",
            "big-endian float64",
            "dtype is '<f8', not '>f8'",
            "differs in npy, npz, npz-deflated",
        ] {
            assert!(panel.contains(text), "{text}: {panel}");
        }
        let marks = |kind: &str| {
            let marks = format!("document.querySelectorAll('#detail .mark .sign.{kind}').length");
            browser.number(&marks)
        };
        // Of forty arrays in three formats and sixteen objects in four protocols; this numpy has no
        // StringDType to pickle.
        assert_eq!((marks("fail"), marks("pass")), (12.0, 120.0 - 12.0 + 64.0 - 4.0));
        // What failed comes first.
        let first = browser.text("document.querySelector('#detail .group').innerText");
        assert!(first.contains("byte order"), "{first}");

        browser.click("#detail .bar button:nth-child(5)");
        assert_eq!(browser.text(HASH), "#py3.11-numpy1.24.4..py3.8-numpy1.17.5");
        browser.click("#detail .close");
        assert_eq!(browser.text(PANEL_IS_HIDDEN), "true");
        assert_eq!(browser.text("location.hash"), "");
    });
}

#[test]
fn a_pair_of_cells_with_a_wheel_opens_into_the_arrays_of_its_program() {
    browser(|browser| {
        open(browser, &wheel(), "#wheel-py3.11-numpy2.2.6..wheel-core");
        let panel = browser.text(PANEL);
        for text in [
            "1 array was not read as written, of 6",
            "no pickles between these two",
            "small/codes",
            "differs in wheel-written",
            "element 1 of 3 is 2, not 1; 2 of 3 agree on that",
        ] {
            assert!(panel.contains(text), "{text}: {panel}");
        }
        // Of two formats, each with three arrays of its own: the other mark of each is a dash.
        let marks = |kind: &str| {
            browser
                .number(&format!("document.querySelectorAll('#detail .mark .sign.{kind}').length"))
        };
        assert_eq!((marks("fail"), marks("pass"), marks("none")), (1.0, 5.0, 6.0));
        assert!(!panel.contains("big-endian float64"), "{panel}");
        // In a format of theirs, these cells are alone: three took part, one could not.
        browser.click("#detail .close");
        choose(browser, "format", "4");
        assert_eq!(browser.number(SHOWN), 16.0);
        choose(browser, "format", "");
        assert_eq!(browser.number(SHOWN), 64.0);
        // A pair without a wheel has none of these arrays.
        browser.click(&cell(0, 0));
        let panel = browser.text(PANEL);
        assert!(panel.contains("big-endian float64") && !panel.contains("small/codes"), "{panel}");
        // Whoever has a wheel and who has none do not meet.
        browser.click(&cell(0, 4));
        let panel = browser.text(PANEL);
        assert!(panel.contains("This run was not asked for this pair."), "{panel}");
        assert_eq!(browser.console(), Vec::<String>::new());
    });
}

/// What Pyodide cannot hold is neither right nor wrong.
#[test]
fn arrays_that_were_left_out_are_no_successes() {
    browser(|browser| {
        open(browser, &pyodide(), "#core..pyodide-0.25.1");
        let panel = browser.text(PANEL);
        for text in ["60 arrays compared, all agree", "no pickles between these two", "left out"] {
            assert!(panel.contains(text), "{text}: {panel}");
        }
        let marks = |kind: &str| {
            browser
                .number(&format!("document.querySelectorAll('#detail .mark .sign.{kind}').length"))
        };
        assert_eq!((marks("fail"), marks("pass"), marks("none")), (0.0, 60.0, 60.0));
        let notes = browser.text("document.querySelector('#notes-title').parentElement.innerText");
        assert!(notes.contains("pyodide-0.25.1: 20 of 40 arrays cannot be held there"), "{notes}");
        assert!(notes.contains("numpy.load would end in OSError (WSM001)"), "{notes}");
        assert_eq!(browser.console(), Vec::<String>::new());
    });
}

/// Somebody who allows no scripts sees the table, the verdict and what failed, and no control that
/// would do nothing.
#[test]
fn without_scripts_it_says_the_same_and_offers_nothing_that_needs_them() {
    browser(|browser| {
        let scripts = |off: bool| {
            browser.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": off }));
        };
        scripts(true);
        // What the test runs is not a script of the page.
        open(browser, &faulty(), "");
        assert_eq!(browser.number(SHOWN), 1024.0);
        assert_eq!(browser.number("document.querySelectorAll('#grid [tabindex]').length"), 0.0);
        let in_sight = "[...document.querySelectorAll('#filters *, .keys, #detail')]\
             .filter((element) => element.checkVisibility()).length";
        assert_eq!(browser.number(in_sight), 0.0);
        let page = browser.text("document.body.innerText");
        for text in [
            "pairs failed, 3 cells could not take part",
            "No space left on device",
            "dtype is '<f8', not '>f8'",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        // A pair that failed leads to what failed.
        browser.click(&format!("{} a", cell(0, 18)));
        let target = browser.text("location.hash");
        assert!(target.starts_with("#cause-"), "{target}");
        assert_eq!(browser.number(&format!("document.querySelectorAll('{target}').length")), 1.0);
        // With the script all of this is there.
        scripts(false);
        open(browser, &faulty(), "");
        assert!(browser.number(in_sight) > 10.0);
    });
}

#[test]
fn a_wrong_prediction_is_told_from_a_right_one() {
    browser(|browser| {
        open(browser, &faulty(), "#py3.11-numpy2.2.6..py3.9-numpy1.26.4");
        let panel = browser.text(PANEL);
        let wrong = "NOT as predicted. Predicted: fails with ModuleNotFoundError: No module named \
                     'numpy._core.numeric'. Observed: loads";
        assert!(panel.contains(wrong), "{panel}");
        let right = "fails, as predicted: ModuleNotFoundError: No module named \
                     'numpy._core.numeric'";
        assert!(panel.contains(right), "{panel}");
        let wrong = "document.querySelectorAll('#detail .mark .sign.fail').length";
        assert_eq!(browser.number(wrong), 1.0);
    });
}

#[test]
fn pairs_without_a_result_say_why() {
    browser(|browser| {
        open(browser, &faulty(), "#py3.12-numpy1.26.0..core");
        let panel = browser.text(PANEL);
        assert!(panel.contains("a cell could not take part"), "{panel}");
        assert!(panel.contains("No space left on device"), "{panel}");
        open(browser, &faulty(), "#py3.9-numpy2.0.2..py3.10-numpy2.2.6");
        let panel = browser.text(PANEL);
        assert!(panel.contains("not run"), "{panel}");
    });
}

#[test]
fn the_keyboard_reaches_every_pair() {
    browser(|browser| {
        open(browser, &faulty(), "");
        browser.run("document.getElementById('only').focus()");
        // The button that resets the filters, then the table, which is one stop.
        browser.press(&[key::TAB, key::TAB]);
        if browser.text(FOCUS) == "scroll" {
            // A browser may make what scrolls a stop of its own.
            browser.press(&[key::TAB]);
        }
        assert_eq!(browser.text(FOCUS), "0,0");
        browser.press(&[key::RIGHT, key::RIGHT, key::DOWN]);
        assert_eq!(browser.text(FOCUS), "1,2");
        let label = browser.text("document.activeElement.getAttribute('aria-label')");
        assert_eq!(label, "written by py3.8-numpy1.21.6, read by py3.8-numpy1.23.5: passed");
        let crossed = "document.querySelectorAll('#grid .cross').length";
        assert!(browser.number(crossed) >= 64.0);
        browser.press(&[key::LEFT, key::UP, key::UP, key::END]);
        assert_eq!(browser.text(FOCUS), "0,31");
        browser.press(&[key::HOME, key::ENTER]);
        assert_eq!(browser.text(FOCUS), "detail-title");
        assert_eq!(browser.text(HASH), "#py3.8-numpy1.17.5..py3.8-numpy1.17.5");
        browser.press(&[key::ESCAPE]);
        assert_eq!(browser.text(FOCUS), "0,0");
        assert_eq!(browser.text(PANEL_IS_HIDDEN), "true");
        assert_eq!(browser.console(), Vec::<String>::new());
    });
}

#[test]
fn the_focused_pair_is_never_below_the_headers() {
    browser(|browser| {
        browser.look(700, 500, "light");
        open(browser, &huge(), "");
        browser.run("document.querySelector('#grid td[tabindex=\"0\"]').focus()");
        let ways = [[key::DOWN; 40], [key::RIGHT; 40], [key::UP; 40], [key::LEFT; 40]];
        for keys in ways {
            browser.press(&keys);
            let covered = browser.text(
                "(() => { const cell = document.activeElement.getBoundingClientRect(); \
                 const top = document.elementFromPoint(cell.x + cell.width / 2, \
                 cell.y + cell.height / 2); return top === document.activeElement ? 'no' : \
                 top && top.outerHTML.slice(0, 80) || 'outside' })()",
            );
            assert_eq!(covered, "no", "after {:?}", keys[0]);
        }
    });
}

#[test]
fn a_link_leads_to_its_pair() {
    browser(|browser| {
        open(browser, &default_matrix(), "#py3.11-numpy2.2.6..core");
        let title = browser.text("document.getElementById('detail-title').textContent");
        assert_eq!(title, "py3.11-numpy2.2.6 → core");
        assert!(browser.text(PANEL).contains("no pickles between these two"));
        browser.run("location.hash = '#core..py3.8-numpy1.17.5'");
        let title = "document.getElementById('detail-title').textContent";
        let mut seen = String::new();
        for _ in 0..100 {
            seen = browser.text(title);
            if seen == "core → py3.8-numpy1.17.5" {
                return;
            }
        }
        panic!("the panel still shows {seen}");
    });
}

#[test]
fn filters_leave_what_was_asked_for() {
    browser(|browser| {
        open(browser, &faulty(), "");
        choose(browser, "writer-numpy", "2.2.6");
        assert_eq!(browser.number(SHOWN), 4.0 * 32.0);
        choose(browser, "reader-python", "3.8.18");
        assert_eq!(browser.number(SHOWN), 4.0 * 4.0);
        let said = "document.getElementById('shown').textContent";
        assert_eq!(browser.text(said), "16 of 1,024 pairs");
        browser.click("#filters button[type=reset]");
        browser.run("return new Promise((done) => setTimeout(done))");
        assert_eq!(browser.number(SHOWN), 1024.0);

        // Readers of one cell failed and one more each; of one no pair was run, of others none.
        browser.click("#only");
        let readers = "[...document.querySelectorAll('#grid thead th:not(.corner)')]\
             .filter((head) => head.offsetParent).map((head) => head.textContent).join(' ')";
        let shown = browser.text(readers);
        assert!(shown.contains("py3.11-numpy1.24.4") && shown.contains("py3.12-numpy1.26.0"));
        choose(browser, "writer-numpy", "2.4.6");
        assert_eq!(
            browser.text(readers),
            "py3.11-numpy1.24.4 py3.12-numpy1.26.0 py3.12-numpy2.5.5 py3.13-numpy2.2.6"
        );
    });
}

#[test]
fn a_format_alone_shows_its_own_failures() {
    browser(|browser| {
        open(browser, &faulty(), "");
        let failing = "document.querySelectorAll('#grid td.fail').length";
        assert_eq!(browser.number(failing), 32.0);
        // The core's own failure is in npy alone, the wrong prediction is no file's.
        choose(browser, "format", "0");
        assert_eq!(browser.number(failing), 31.0);
        choose(browser, "format", "1");
        assert_eq!(browser.number(failing), 30.0);
        choose(browser, "format", "pickles");
        assert_eq!(browser.number(failing), 1.0);
        let parts = "document.querySelectorAll('#grid td.part').length";
        assert!(browser.number(parts) > 100.0);
    });
}

#[test]
fn hostile_names_stay_text() {
    browser(|browser| {
        open(browser, &hostile(), "");
        let shown = EVIL.split('\n').next().unwrap();
        let name = browser.text("document.querySelector('#grid tbody th').textContent");
        assert!(name.starts_with(shown), "{name}");
        for place in [(0, 0), (0, 1), (1, 0), (1, 1), (3, 0)] {
            browser.click(&cell(place.0, place.1));
            assert!(browser.text(PANEL).contains("title='owned'"));
            browser.click("#detail .close");
        }
        let title = browser.text("document.title");
        assert!(title.contains("Python and numpy matrix"), "{title}");
        let foreign = "document.querySelectorAll('img, iframe, object, [onerror]').length";
        assert_eq!(browser.number(foreign), 0.0);
        assert_eq!(browser.number("document.scripts.length"), 2.0);
        assert_eq!(browser.console(), Vec::<String>::new());
        // The link to a pair of such names leads there again.
        browser.click(&cell(0, 1));
        let hash = browser.text("location.hash");
        open(browser, &hostile(), &hash);
        let title = browser.text("document.getElementById('detail-title').textContent");
        assert!(title.ends_with("→ py3.11-numpy2.2.6"), "{title}");
    });
}

/// WCAG 2.2: the contrast of normal text is at least 4.5.
const FAINT: &str = r"
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const numbers = (color) => (color.match(/[\d.]+/g) || []).map(Number);
    const behind = (element) => {
        for (; element; element = element.parentElement) {
            const color = numbers(getComputedStyle(element).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const faint = new Set();
    for (const element of document.querySelectorAll('body *:not(script):not(option)')) {
        if (!element.checkVisibility() || element.matches(':disabled')) continue;
        if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
        const [one, other] = [luminance(numbers(getComputedStyle(element).color).slice(0, 3)), luminance(behind(element))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) faint.add(`${element.tagName}.${element.className}: ${contrast.toFixed(2)}`);
    }
    return [...faint];
";

#[test]
fn text_stands_out_in_light_and_in_dark_and_nothing_is_too_wide() {
    browser(|browser| {
        for (width, scheme) in [(1400, "light"), (1400, "dark"), (420, "light"), (420, "dark")] {
            browser.look(width, 1000, scheme);
            for fragment in
                ["", "#py3.11-numpy2.2.6..py3.9-numpy1.26.4", "#core..py3.11-numpy1.24.4"]
            {
                open(browser, &faulty(), fragment);
                let faint = browser.run(FAINT);
                assert_eq!(faint, Value::Array(Vec::new()), "{scheme} {width} {fragment}");
                let wide = browser.number("document.documentElement.scrollWidth");
                assert!(wide <= f64::from(width), "{wide} of {width} {fragment}");
                let left = browser
                    .number("document.getElementById('detail').getBoundingClientRect().left");
                assert!(left >= 0.0, "the panel begins at {left} of {width}");
            }
        }
        browser.open("<p style='color: #999; background: #fff'>faint</p>", "");
        assert_eq!(browser.run(FAINT).as_array().unwrap().len(), 1);
    });
}
