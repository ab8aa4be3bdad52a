// The table's filters and keys, and the panel that shows one pair in full. Every text from the data
// becomes a text node, never markup.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("grid");
  if (!table) return;
  const data = JSON.parse(byId("data").textContent);
  const detail = byId("detail");
  const [COLUMN_HEADS, ROWS] = [table.tHead.rows[0].cells, table.tBodies[0].rows];
  const width = data.readers.length;
  const height = data.writers.length;
  const all = { pass: 0, fail: 1, late: 2, gone: 3, none: 4, part: 5 };
  const signs = { pass: "✓", fail: "✗", late: "?", gone: "-", none: "", part: "◐" };
  const meanings = {
    pass: "passed", fail: "failed", late: "not run", gone: "a cell could not take part",
    none: "nothing to compare", part: "some pickles fail, as predicted",
  };
  // Columns of formats that have cases of their own.
  const only = new Set(data.cases.map((known) => known[5]).filter((column) => column !== null));
  let format = "";
  let focused = [0, 0];
  let open = null;
  let crossed = [];

  const cellAt = (row, column) => ROWS[row].cells[column + 1];
  const writer = (row) => data.cells[data.writers[row]];
  const reader = (column) => data.cells[data.readers[column]];
  const outcomeAt = (row, column) => data.outcomes[data.pairs[row][column]];
  const plural = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  /** An element with attributes and children; strings become text. */
  function h(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "onclick") element.addEventListener("click", value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value != null) element.setAttribute(key, value);
    }
    element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
    return element;
  }

  const sign = (kind, text) => h("span", { class: `sign ${kind}`, title: meanings[kind] }, text ?? signs[kind]);

  /** What became of a pair, in the format that is looked at. */
  function verdict(row, column) {
    const place = data.pairs[row][column];
    if (place < 0) return ["late", "gone", "none"][-place - 1];
    const [passed, results, pickles] = data.outcomes[place];
    if (format === "") return passed ? "pass" : "fail";
    if (format === "pickles") {
      if (pickles === null) return "none";
      const [rows, wrong] = data.pickles[pickles];
      if (wrong.length) return "fail";
      const failing = (seen) => ["fails", "differs"].includes((data.observations[seen] || [])[0]);
      return rows.some((seen) => seen && seen.some(failing)) ? "part" : "pass";
    }
    const result = results[Number(format)];
    if (result === null) return "none";
    return data.results[result][1].length ? "fail" : "pass";
  }

  function paint() {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const cell = cellAt(row, column);
        const kind = verdict(row, column);
        for (const other in all) cell.classList.toggle(other, other === kind);
        if (cell.textContent !== signs[kind] || cell.firstElementChild) cell.textContent = signs[kind];
      }
    }
    byId("matrix").classList.toggle("pickles", format === "pickles");
  }

  const rowShown = (row) => !ROWS[row].hidden;
  const columnShown = (column) => !COLUMN_HEADS[column + 1].hidden;

  function filter() {
    const chosen = (id) => byId(id).value;
    const fits = (cell, role) =>
      (!chosen(`${role}-python`) || cell[1] === chosen(`${role}-python`)) &&
      (!chosen(`${role}-numpy`) || cell[2] === chosen(`${role}-numpy`));
    format = chosen("format");
    paint();
    const range = (length) => [...Array(length).keys()];
    let rows = range(height).filter((row) => fits(writer(row), "writer"));
    let columns = range(width).filter((column) => fits(reader(column), "reader"));
    if (format !== "") {
      // Whoever has nothing in this format, such as cells without a wheel, is in the way.
      const some = (row, column) => verdict(row, column) !== "none";
      const having = rows.filter((row) => columns.some((column) => some(row, column)));
      columns = columns.filter((column) => having.some((row) => some(row, column)));
      rows = having;
    }
    if (byId("only").checked) {
      const bad = (row, column) => ["fail", "late", "gone"].includes(verdict(row, column));
      const [badRows, badColumns] = [new Set(), new Set()];
      for (const row of rows) for (const column of columns) {
        if (bad(row, column)) { badRows.add(row); badColumns.add(column); }
      }
      rows = rows.filter((row) => badRows.has(row));
      columns = columns.filter((column) => badColumns.has(column));
    }
    const [shownRows, shownColumns] = [new Set(rows), new Set(columns)];
    for (let column = 0; column < width; column++) COLUMN_HEADS[column + 1].hidden = !shownColumns.has(column);
    for (let row = 0; row < height; row++) {
      ROWS[row].hidden = !shownRows.has(row);
      for (let column = 0; column < width; column++) cellAt(row, column).hidden = !shownColumns.has(column);
    }
    const pairs = rows.length * columns.length;
    const total = width * height;
    byId("shown").textContent = pairs === total ? "" : pairs === 0 ? "No pair is like that"
      : `${pairs.toLocaleString("en")} of ${plural(total, "pair", "pairs")}`;
    if (pairs && !(shownRows.has(focused[0]) && shownColumns.has(focused[1]))) rove(rows[0], columns[0]);
  }

  /** Only one pair is a stop for the Tab key; the arrow keys reach the others. */
  function rove(row, column) {
    cellAt(...focused).tabIndex = -1;
    focused = [row, column];
    cellAt(row, column).tabIndex = 0;
  }

  function cross(row, column) {
    for (const element of crossed) element.classList.remove("cross");
    crossed = [];
    if (row === null) return;
    crossed = [...ROWS[row].cells, COLUMN_HEADS[column + 1]];
    for (let other = 0; other < height; other++) crossed.push(cellAt(other, column));
    for (const element of crossed) element.classList.add("cross");
  }

  function placeOf(target) {
    const cell = target.closest && target.closest("#grid tbody td");
    return cell ? [cell.parentElement.sectionRowIndex, cell.cellIndex - 1] : null;
  }

  function goTo(row, column) {
    rove(row, column);
    const cell = cellAt(row, column);
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (open) show(row, column, false);
  }

  /** The next place in a direction that is shown, or the last one there. */
  function step(from, by, length, shown) {
    for (let place = from + by; place >= 0 && place < length; place += by) if (shown(place)) return place;
    return from;
  }

  function first(length, shown, fromEnd) {
    return fromEnd ? step(length, -1, length, shown) : step(-1, 1, length, shown);
  }

  function moved(key, [row, column], control) {
    switch (key) {
      case "ArrowLeft": return [row, step(column, -1, width, columnShown)];
      case "ArrowRight": return [row, step(column, 1, width, columnShown)];
      case "ArrowUp": return [step(row, -1, height, rowShown), column];
      case "ArrowDown": return [step(row, 1, height, rowShown), column];
      case "Home": return [control ? first(height, rowShown) : row, first(width, columnShown)];
      case "End": return [control ? first(height, rowShown, true) : row, first(width, columnShown, true)];
      default: return null;
    }
  }

  function fragment(row, column) {
    return `#${encodeURIComponent(writer(row)[0])}..${encodeURIComponent(reader(column)[0])}`;
  }

  function fromFragment() {
    if (!location.hash.includes("..")) return null;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        if (fragment(row, column) === location.hash) return [row, column];
      }
    }
    let plain;
    try { plain = decodeURIComponent(location.hash.slice(1)); } catch { return null; }
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        if (`${writer(row)[0]}..${reader(column)[0]}` === plain) return [row, column];
      }
    }
    return null;
  }

  function close() {
    if (!open) return;
    const [row, column] = open;
    cellAt(row, column).classList.remove("open");
    open = null;
    detail.hidden = true;
    document.body.classList.remove("opened");
    history.replaceState(null, "", location.pathname + location.search);
    cellAt(row, column).focus();
  }

  /** Opens one pair in the panel; `enter` moves the focus into it. */
  function show(row, column, enter) {
    if (open) cellAt(...open).classList.remove("open");
    open = [row, column];
    rove(row, column);
    cross(row, column);
    cellAt(row, column).classList.add("open");
    const to = (label, key) => {
      const target = moved(key, [row, column]);
      const same = target[0] === row && target[1] === column;
      return h("button", { type: "button", disabled: same, "aria-label": label, title: label, onclick: () => show(...target, true) },
        { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" }[key]);
    };
    const back = [data.writers.indexOf(data.readers[column]), data.readers.indexOf(data.writers[row])];
    const turned = back[0] >= 0 && back[1] >= 0 && data.writers[row] !== data.readers[column];
    const title = h("h2", { id: "detail-title", tabindex: "-1" }, writer(row)[0], " → ", reader(column)[0]);
    detail.replaceChildren(
      h("div", { class: "bar" },
        to("Previous writer", "ArrowUp"), to("Next writer", "ArrowDown"),
        to("Previous reader", "ArrowLeft"), to("Next reader", "ArrowRight"),
        turned && h("button", { type: "button", onclick: () => show(...back, true) }, "⇄ the other way round"),
        h("button", { type: "button", class: "close", onclick: close }, "Close ", h("kbd", {}, "Esc"))),
      title, ...contents(row, column));
    detail.hidden = false;
    document.body.classList.add("opened");
    cellAt(row, column).scrollIntoView({ block: "nearest", inline: "nearest" });
    detail.scrollTop = 0;
    history.replaceState(null, "", fragment(row, column));
    if (enter) title.focus({ preventScroll: true });
  }

  function contents(row, column) {
    const outcome = outcomeAt(row, column);
    if (!outcome) {
      const kind = ["late", "gone", "none"][-data.pairs[row][column] - 1];
      const what = kind === "none" ? "This run was not asked for this pair." : `${meanings[kind]}.`;
      const why = [writer(row), reader(column)].filter((cell, place, both) => cell[3] && both.indexOf(cell) === place);
      return [
        h("p", {}, kind === "none" ? null : sign(kind), " ", what),
        why.map((cell) => h("p", {}, h("strong", {}, cell[0]), ": ", h("samp", {}, cell[3]))),
      ].flat();
    }
    const [passed, results, pickles] = outcome;
    const problems = results.reduce((sum, result) => sum + (result === null ? 0 : data.results[result][1].length), 0);
    const wrong = pickles === null ? 0 : data.pickles[pickles][1].length;
    const compared = results.reduce((sum, result) => sum + (result === null ? 0 : data.results[result][0]), 0);
    const said = [
      problems ? `${plural(problems, "array was", "arrays were")} not read as written, of ${compared}` : `${plural(compared, "array", "arrays")} compared, all agree`,
      pickles === null ? "no pickles between these two"
        : wrong ? `${plural(wrong, "pickle", "pickles")} behaved otherwise than predicted` : "every pickle behaved as predicted",
    ];
    const sections = [
      [h("h3", {}, "Arrays, type by type"), arrays(results, new Set([...writer(row)[4], ...reader(column)[4]]))],
      pickles === null ? [] : [h("h3", {}, "Pickles, the control"), ...control(pickles)],
    ];
    // What failed comes first.
    if (wrong && !problems) sections.reverse();
    return [
      h("p", {}, sign(passed ? "pass" : "fail"), " ", h("strong", {}, passed ? "Passed" : "Failed"), ": ", said.join("; "), "."),
      ...sections.flat(),
    ];
  }

  /** What became of the arrays; those in `left` are of types that one of the two cannot hold. */
  function arrays(results, left) {
    const kinds = ["error", "differs", "no answer"];
    const found = new Map();
    results.forEach((result, place) => {
      if (result === null) return;
      for (const [what, kind, text] of data.results[result][1]) {
        if (!found.has(what)) found.set(what, new Map());
        found.get(what).set(place, [kinds[kind], data.texts[text]]);
      }
    });
    // The formats of this pair: cells with a wheel have others than cells without.
    const columns = results.map((result, column) => column).filter((column) => results[column] !== null);
    const groups = new Map();
    data.cases.forEach((known, place) => {
      // A case that the corpus does not have is shown where a pair names it.
      if (known[2] === "" && !found.has(place)) return;
      const isHere = known[5] === null ? columns.some((column) => !only.has(column)) : columns.includes(known[5]);
      if (!isHere && !found.has(place)) return;
      if (!groups.has(known[1])) groups.set(known[1], []);
      groups.get(known[1]).push(place);
    });
    const heads = columns.map((column) => h("th", { scope: "col", class: "mark" }, data.formats[column]));
    const bodies = [...groups].map(([group, places]) => [group, places, places.filter((place) => found.has(place)).length])
      .sort((one, other) => Number(other[2] > 0) - Number(one[2] > 0)).map(([group, places, bad]) => {
      const out = places.filter((place) => left.has(place)).length;
      const agreed = out === places.length ? [] : [plural(places.length - out, "array agrees", "arrays agree")];
      const note = bad ? `${bad} of ${places.length} not as written` : [...agreed, ...(out ? [`${out} left out`] : [])].join(", ");
      const kind = bad ? sign("fail") : agreed.length ? sign("pass") : sign("none", "–");
      return h("tbody", {},
        h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: 3 + columns.length }, kind, " ", group, h("small", {}, note))),
        places.map((place) => arrayRows(place, results, columns, found.get(place), left.has(place))));
    });
    return h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Array"), h("th", { scope: "col" }, "Type"), h("th", { scope: "col", class: "shape" }, "Shape"), heads)), bodies);
  }

  function arrayRows(place, results, columns, found, out) {
    const [name, , descr, shape, fortran, format] = data.cases[place];
    const isIn = (column) => !out && (format === null ? !only.has(column) : format === column) && data.results[results[column]][0] > 0;
    const marks = columns.map((column) => h("td", { class: "mark" },
      found && found.has(column) ? sign("fail") : isIn(column) ? sign("pass") : sign("none", "–")));
    const rows = [h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, h("code", {}, descr)),
      h("td", { class: "shape" }, shape, fortran ? " Fortran" : ""), marks)];
    const said = new Map();
    for (const [index, [kind, text]] of found || []) {
      const key = `${kind}\n${text}`;
      if (!said.has(key)) said.set(key, [kind, text, []]);
      said.get(key)[2].push(data.formats[index]);
    }
    for (const [kind, text, formats] of said.values()) {
      rows.push(h("tr", { class: "said" }, h("td", { colspan: 3 + columns.length }, h("strong", {}, kind), ` in ${formats.join(", ")}: `, h("samp", {}, text))));
    }
    return rows;
  }

  function control(place) {
    const [rows, wrong] = data.pickles[place];
    const kinds = { "not-written": "none", loads: "pass", warns: "warn", fails: "part", differs: "part" };
    const texts = { "not-written": "–", loads: "✓", warns: "!", fails: "✗", differs: "≠" };
    const notes = [];
    const note = (text) => {
      if (!notes.includes(text)) notes.push(text);
      return h("sup", {}, String(notes.indexOf(text) + 1));
    };
    const words = { "not-written": "not written", warns: "loads with a warning", fails: "fails", differs: "loads as something else" };
    const mark = (object, protocol, seen) => {
      const [kind, text] = data.observations[seen] || ["not-written", "nobody knows"];
      const mistake = wrong.find((entry) => entry[0] === object && entry[1] === protocol);
      if (mistake) return h("td", { class: "mark" }, h("span", { class: "sign fail" }, texts[kind]), note(`NOT as predicted. Predicted: ${data.texts[mistake[2]]}. Observed: ${words[kind] || "loads"}${text ? `: ${text}` : ""}`));
      return h("td", { class: "mark" }, h("span", { class: `sign ${kinds[kind]}` }, texts[kind]),
        kind === "loads" ? null : note(kind === "not-written" ? `not written: ${text}` : `${words[kind]}, as predicted: ${text}`));
    };
    const lines = rows.map((seen, object) => seen && h("tr", {},
      h("th", { scope: "row", title: data.objects[object][1] }, data.objects[object][0]),
      data.protocols.map((protocol, index) => mark(object, protocol, seen[index]))));
    return [
      h("table", {}, h("thead", {},
        h("tr", {}, h("th", { scope: "col", rowspan: 2 }, "Object"), h("th", { scope: "colgroup", class: "mark", colspan: data.protocols.length }, "in protocol")),
        h("tr", {}, data.protocols.map((protocol) => h("th", { scope: "col", class: "mark" }, String(protocol))))), h("tbody", {}, lines)),
      h("ol", { class: "notes" }, notes.map((text) => h("li", {}, text))),
      h("p", { class: "soft" }, "✓ loads, ! loads with a warning, ✗ fails, ≠ loads as something else, – not written; on red: not as predicted."),
    ];
  }

  table.setAttribute("role", "grid");
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) cellAt(row, column).tabIndex = -1;
  }
  rove(0, 0);
  paint();
  // A focused pair never hides below the headers that stay.
  const scroll = byId("scroll");
  const measure = () => {
    const corner = COLUMN_HEADS[0].getBoundingClientRect();
    scroll.style.scrollPadding = `${corner.height + 2}px 2px 2px ${corner.width + 2}px`;
  };
  measure();
  addEventListener("resize", measure);

  table.addEventListener("click", (event) => {
    const place = placeOf(event.target);
    if (!place) return;
    event.preventDefault();
    show(...place, true);
  });
  table.addEventListener("mouseover", (event) => {
    const place = placeOf(event.target);
    if (place) cross(...place);
  });
  table.addEventListener("mouseleave", () => (open ? cross(...open) : cross(null)));
  table.addEventListener("focusin", (event) => {
    const place = placeOf(event.target);
    if (!place) return;
    rove(...place);
    cross(...place);
    const [row, column] = place;
    event.target.setAttribute("aria-label", `written by ${writer(row)[0]}, read by ${reader(column)[0]}: ${meanings[verdict(row, column)]}`);
  });
  table.addEventListener("keydown", (event) => {
    const place = placeOf(event.target);
    if (!place || event.altKey) return;
    const target = moved(event.key, place, event.ctrlKey || event.metaKey);
    if (target) goTo(...target);
    else if (event.key === "Enter" || event.key === " ") show(...place, true);
    else return;
    event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) close();
  });
  byId("filters").addEventListener("change", filter);
  byId("filters").addEventListener("reset", () => setTimeout(filter));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  const follow = () => {
    const place = fromFragment();
    if (place) show(...place, true);
  };
  addEventListener("hashchange", follow);
  follow();
})();
